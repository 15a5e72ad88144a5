"""What comes in from outside, checked where it enters: numbers, words and files, against one table of limits."""
