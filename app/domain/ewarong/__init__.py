"""e-Warong: shops where families redeem food aid, what they sell and at which price, and who looks after them."""
