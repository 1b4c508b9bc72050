"""`livewatch doctor`: small checks that look and change nothing; each says what it found and how to mend it."""
