"""Rules and their versions, what is known of clients, and the runs of rules. Pure: no I/O, no clock."""
