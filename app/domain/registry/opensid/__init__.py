"""OpenSID's 43-column population file, as villages export it (csv, xlsx, xlsm).

A row is a person and names the family card (KK) that the person is on. Where the columns go:

- family: ``no_kk``, ``alamat`` (or else ``alamat_sekarang``), ``dusun``, ``rw``, ``rt``, ``lat``, ``lng``; where
  members differ, the head's row counts, and where the head has no value, the first that has one;
- person: ``nama``, ``nik``, ``sex``, ``tempatlahir``, ``tanggallahir``, ``kk_level``, ``status_kawin``,
  ``status_dasar``, ``hamil``, ``ktp_el``, and ``akta_lahir`` (that there is one, not its number);
- through the code lists of ``codes``: ``pendidikan_kk_id``, ``pendidikan_sedang_id``, ``pekerjaan_id``, ``cacat_id``,
  ``id_asuransi``, and ``status_rekam`` (why there is no NIK).

Dropped on purpose, because the registry has no use for them:

- religion, ethnicity, blood group, citizenship: ``agama_id``, ``suku``, ``golongan_darah_id``, ``warganegara_id``;
- parents: ``ayah_nik``, ``nama_ayah``, ``ibu_nik``, ``nama_ibu``;
- papers: ``dokumen_pasport``, ``tanggal_akhir_paspor``, ``dokumen_kitas``, ``akta_perkawinan``, ``tanggalperkawinan``,
  ``akta_perceraian``, ``tanggalperceraian``;
- ``cara_kb_id`` (contraception), ``tag_id_card``, ``no_asuransi``.

The facts (columns, codes, provisional numbers) are those of OpenSID's import form; no code of OpenSID is in here.
"""
