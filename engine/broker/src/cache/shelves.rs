//! Where the slots lie: many small maps, so that who looks at one tenant's token does not wait for
//! who looks at another's.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::Moment;
use crate::key::{Fingerprint, TokenKey};
use crate::slot::Slot;

const SHELVES: usize = 64;
const IDLE_MS: u64 = 2 * 3_600_000;
/// How often it is looked for what nobody asks for any more.
const SWEEP_MS: u64 = 600_000;

type Slots = HashMap<TokenKey, Slot, BuildHasherDefault<Known>>;

/// The slots of a cache.
pub(super) struct Shelves {
    shelves: Vec<Shelf>,
    count: AtomicUsize,
    slots_max: usize,
    swept_at_ms: AtomicU64,
}

/// One map on cache lines of its own, so that locks of neighbours do not slow each other.
#[repr(align(128))]
#[derive(Default)]
struct Shelf(Mutex<Slots>);

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, Slots> {
        // A panic while the lock was held leaves a consistent state: every change is one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelves {
    pub(super) fn new(slots_max: usize) -> Self {
        Self {
            shelves: (0..SHELVES).map(|_| Shelf::default()).collect(),
            count: AtomicUsize::new(0),
            slots_max,
            swept_at_ms: AtomicU64::new(0),
        }
    }

    /// Works on the slot of a key, where there is one.
    pub(super) fn with<T>(&self, key: &TokenKey, work: impl FnOnce(&mut Slot) -> T) -> Option<T> {
        self.shelf(key).lock().get_mut(key).map(work)
    }

    /// Works on the slot of a key, which is made where there is none.
    pub(super) fn with_new<T>(&self, key: &TokenKey, work: impl FnOnce(&mut Slot) -> T) -> T {
        let mut slots = self.shelf(key).lock();
        let slot = slots.entry(key.clone()).or_insert_with(|| {
            self.count.fetch_add(1, Ordering::Relaxed);
            Slot::default()
        });
        work(slot)
    }

    /// Forgets every slot of a credential.
    pub(super) fn forget(&self, credential: Fingerprint) {
        for shelf in &self.shelves {
            self.retain(shelf, |key, _| key.credential != credential);
        }
    }

    /// Drops what nobody asks for; a partner with thousands of tenants must not fill the memory.
    pub(super) fn make_room(&self, now: Moment) {
        let is_full = || self.len() >= self.slots_max;
        let swept_at_ms = self.swept_at_ms.load(Ordering::Relaxed);
        if is_full() || now.steady_ms >= swept_at_ms.saturating_add(SWEEP_MS) {
            self.swept_at_ms.store(now.steady_ms, Ordering::Relaxed);
            for shelf in &self.shelves {
                let idle = |slot: &Slot| slot.used_at.plus(IDLE_MS).is_reached(now);
                self.retain(shelf, |_, slot| slot.has_flight() || !idle(slot));
            }
        }
        if !is_full() {
            return;
        }
        let oldest = self.shelves.iter().filter_map(|shelf| {
            let slots = shelf.lock();
            let idle = slots.iter().filter(|(_, slot)| !slot.has_flight());
            let oldest = idle.min_by_key(|(_, slot)| slot.used_at.steady_ms);
            oldest.map(|(key, slot)| (slot.used_at.steady_ms, key.clone()))
        });
        if let Some((_, key)) = oldest.min_by_key(|(used_ms, _)| *used_ms) {
            self.retain(self.shelf(&key), |other, _| *other != key);
        }
    }

    /// How many slots there are.
    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn retain(&self, shelf: &Shelf, keeps: impl Fn(&TokenKey, &Slot) -> bool) {
        let mut slots = shelf.lock();
        let before = slots.len();
        slots.retain(|key, slot| keeps(key, slot));
        self.count
            .fetch_sub(before - slots.len(), Ordering::Relaxed);
    }

    fn shelf(&self, key: &TokenKey) -> &Shelf {
        // Not the bits by which the map tells its entries apart.
        let place = (key.hashed() >> 32) as usize % SHELVES;
        &self.shelves[place]
    }
}

/// Keys know their hash.
#[derive(Default)]
struct Known(u64);

impl Hasher for Known {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
