"""Rules: when something happened and conditions hold, owners are asked for statuses, stars, tasks, points and more."""
