"""The models of a server, by the names under which they are asked for."""
