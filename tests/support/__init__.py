"""What tests build on: commands, clients, servers and stores."""
