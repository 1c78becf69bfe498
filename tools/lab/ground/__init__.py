"""The ground that the practical is played on: hosts, servers, exercises."""
