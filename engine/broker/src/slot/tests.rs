use proptest::prelude::*;
use secrecy::SecretString;

use super::*;
use crate::token::Issued;

#[derive(Clone, Copy, Debug)]
enum Move {
    Look,
    LandOk,
    LandTransient,
    LandPermanent,
    Reject,
    Pass(u64),
    SetBack,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => Just(Move::Look),
        3 => Just(Move::LandOk),
        1 => Just(Move::LandTransient),
        1 => Just(Move::LandPermanent),
        2 => Just(Move::Reject),
        2 => (1_u64..4000).prop_map(Move::Pass),
        1 => Just(Move::SetBack),
    ];
    proptest::collection::vec(one, 1..60)
}

/// A slot, the flight under way and what is known about the past.
#[derive(Default)]
struct World {
    slot: Slot,
    now: Moment,
    departed: Option<(u64, Moment)>,
    serial: u64,
    rejected: Vec<u64>,
}

impl World {
    fn look(&mut self) {
        match self.slot.look(self.now) {
            Look::Serve(token) => self.served(&token),
            Look::ServeAndRefresh(token) => {
                self.served(&token);
                self.depart();
            }
            Look::Fetch => self.depart(),
            Look::Join(_) => assert!(self.departed.is_some(), "joined a flight that is not there"),
            Look::Refuse(_) => assert!(self.slot.token.is_none(), "a failure hid a live token"),
        }
    }

    fn served(&self, token: &Token) {
        assert!(token.is_live(self.now), "a dead token was served");
        assert!(
            !self.rejected.contains(&token.serial),
            "a rejected token was served"
        );
    }

    fn depart(&mut self) {
        assert!(self.departed.is_none(), "a second flight left");
        self.departed = Some((self.slot.depart().epoch, self.now));
    }

    fn land(&mut self, kind: Option<AuthKind>) {
        let Some((epoch, sent)) = self.departed.take() else {
            return;
        };
        let landing = match kind {
            Some(kind) => Err(Arc::new(AuthError::new(kind, "test"))),
            None => {
                self.serial += 1;
                let secret = SecretString::from("t");
                let (expires_in, refresh_in) = (Some(3600), None);
                let issued = Issued {
                    secret,
                    expires_in,
                    refresh_in,
                    name: String::new(),
                    sent,
                };
                Ok(Arc::new(Token::new(issued, self.serial, 0.5)))
            }
        };
        let before = self.slot.token.as_ref().map(|token| token.serial);
        self.slot.land(epoch, &landing, self.now, 0.5);
        if epoch < self.slot.epoch() {
            let after = self.slot.token.as_ref().map(|token| token.serial);
            assert_eq!(before, after, "a flight from before a rejection was stored");
        }
    }

    fn reject(&mut self) {
        let Some(serial) = self.slot.token.as_ref().map(|token| token.serial) else {
            return;
        };
        let epoch = self.slot.epoch();
        if self.slot.reject(serial, self.now) == Rejection::Dropped {
            self.rejected.push(serial);
            assert_eq!(self.slot.epoch(), epoch + 1);
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_in_whatever_order_the_slot_keeps_its_promises(moves in moves()) {
        let mut world = World::default();
        for step in moves {
            match step {
                Move::Look => world.look(),
                Move::LandOk => world.land(None),
                Move::LandTransient => world.land(Some(AuthKind::Server)),
                Move::LandPermanent => world.land(Some(AuthKind::Credential)),
                Move::Reject => world.reject(),
                Move::Pass(secs) => world.now = world.now.plus(secs * 1000),
                Move::SetBack => world.now.wall_ms -= 3_600_000,
            }
        }
        // Whatever came before: once time has passed and the service answers, there is a token.
        world.land(Some(AuthKind::Server));
        world.now = world.now.plus(7 * 3_600_000);
        world.look();
        world.land(None);
        prop_assert!(matches!(world.slot.look(world.now), Look::Serve(_)));
    }
}
