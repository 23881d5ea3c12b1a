extern crate std;

mod cut;
mod fuzz;
mod images;
mod interchange;
mod model;
mod random;
mod requests;
