//! The books of memory: an account for each thread, found without a list, so that the allocator can use them at any time.
use crate::cell::Global;
use core::sync::atomic::{AtomicUsize, Ordering};
use munal_logic::{quota::Account, table::MOST};

/// Whose memory it is: 0 for the kernel, then one for each thread in their order, the supervisor's last.
pub type Owner = usize;

pub const KERNEL: Owner = 0;

/// The kernel, every instance that a table may have, and the supervisor.
const ACCOUNTS: usize = MOST + 2;

static BOOKS: Global<[Account; ACCOUNTS]> = Global::new([Account::UNLIMITED; ACCOUNTS]);
/// For whom the kernel works.
static CURRENT: AtomicUsize = AtomicUsize::new(KERNEL);

/// The account of the thread with this index; the boot thread's, `usize::MAX`, is the kernel's.
pub fn of_thread(index: usize) -> Owner {
    index.wrapping_add(1)
}

pub fn current() -> Owner {
    CURRENT.load(Ordering::Relaxed)
}

/// From here on the kernel works for this owner; called where threads are switched.
pub fn set_current(owner: Owner) {
    CURRENT.store(owner, Ordering::Relaxed);
}

/// Runs `job` as work for another owner: what it allocates is that one's until it is freed.
pub fn on_behalf<R>(owner: Owner, job: impl FnOnce() -> R) -> R {
    let before = CURRENT.swap(owner, Ordering::Relaxed);
    let result = job();
    set_current(before);
    result
}

/// Lends one account to `job`, which must not allocate.
pub fn with<R>(owner: Owner, job: impl FnOnce(&mut Account) -> R) -> R {
    BOOKS.with(|books| job(&mut books[owner]))
}

/// Bytes of the kernel's heap that are in use, whoever caused it.
pub fn heap() -> u64 {
    BOOKS.with(|books| books.iter().map(Account::heap).sum())
}
