"""Service desk: the devices that clients have, the work done on them, and when they want care again."""
