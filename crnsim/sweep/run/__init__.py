"""Running a sweep: chunks on workers, what is saved of them, and how they are joined."""
