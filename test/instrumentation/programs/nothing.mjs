// A process that is observed and ends at once.
