//! The command as it is installed: run as a process of its own, on a server and on a database.

mod both_ways;
#[cfg(target_os = "linux")]
mod hang_up;
mod numbers;
mod site;
