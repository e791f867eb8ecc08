//! The command as it is installed: run as a process of its own, on a server and on a database.

mod both_ways;
mod numbers;
mod site;
