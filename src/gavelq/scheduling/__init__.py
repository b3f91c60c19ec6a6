"""Who gets which card and when: pure functions over a frozen snapshot."""
