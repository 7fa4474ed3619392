"""Rules: when something happened and conditions hold, the owners are asked for statuses, stars, tasks, points and more."""
