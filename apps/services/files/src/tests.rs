//! What holds whatever clients ask for, and whenever the power goes.

mod crashes;
mod edges;
mod model;
mod requests;
mod rooms;
mod sim;
