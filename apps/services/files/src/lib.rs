//! Folders and files in redb, a database whose trees are never changed in place: what a request changed is there as a whole or not at
//! all, whenever the power goes.
//!
//! `medium` is what the database lies on, a disk (`disk`) or memory (`memory`). `tree` and `contents` say what folders and files are in
//! the database, `change` what requests do to them, `store` when that is safe, and `server` answers requests.
#![no_std]

extern crate alloc;

pub mod change;
pub mod contents;
pub mod disk;
pub mod medium;
pub mod memory;
pub mod server;
pub mod store;
pub mod tree;

#[cfg(test)]
mod tests;

use munal::files::Status;

/// Why a request was not done.
#[derive(Debug)]
pub enum Problem {
    /// What the client is told.
    Told(Status),
    /// The database could not.
    Database(redb::Error),
}

impl From<Status> for Problem {
    fn from(status: Status) -> Self {
        Self::Told(status)
    }
}

macro_rules! from_the_database {
    ($($error:ty),*) => {
        $(impl From<$error> for Problem {
            fn from(error: $error) -> Self {
                Self::Database(error.into())
            }
        })*
    };
}

from_the_database!(redb::StorageError, redb::TableError, redb::TransactionError, redb::CommitError);
