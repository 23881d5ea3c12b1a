extern crate std;

mod cut;
mod fuzz;
pub(crate) mod images;
mod interchange;
mod model;
mod random;
mod requests;
