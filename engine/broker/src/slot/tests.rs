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
    Challenge(u8),
    Forget,
    Pass(u64),
    SetBack,
    Sleep,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => Just(Move::Look),
        3 => Just(Move::LandOk),
        1 => Just(Move::LandTransient),
        1 => Just(Move::LandPermanent),
        2 => Just(Move::Reject),
        2 => (0_u8..3).prop_map(Move::Challenge),
        1 => Just(Move::Forget),
        2 => (1_u64..4000).prop_map(Move::Pass),
        1 => Just(Move::SetBack),
        1 => Just(Move::Sleep),
    ];
    proptest::collection::vec(one, 1..60)
}

/// A slot, the flight under way and what is known about the past.
#[derive(Default)]
struct World {
    slot: Slot,
    now: Moment,
    departed: Option<(u64, Moment, Option<Challenge>)>,
    serial: u64,
    rejected: Vec<u64>,
    /// What an API wants of the next token.
    wanted: Option<Challenge>,
}

/// One of a few challenges.
fn challenge(number: u8) -> Challenge {
    let claims = format!(r#"{{"access_token":{{"nbf":{{"value":"{number}"}}}}}}"#);
    let claims = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, claims);
    let header = format!(r#"Bearer error="insufficient_claims", claims="{claims}""#);
    let response = actions_contract::Response {
        status: 401,
        headers: vec![("www-authenticate".to_owned(), header)],
        body: Vec::new(),
        retry_after: None,
    };
    Challenge::of(&response).unwrap()
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
        let departure = self.slot.depart();
        let claims = departure.challenge.as_deref().cloned();
        assert_eq!(claims, self.wanted, "a flight left without the challenge");
        self.departed = Some((departure.epoch, self.now, claims));
    }

    fn land(&mut self, kind: Option<AuthKind>) {
        let Some((epoch, sent, claims)) = self.departed.take() else {
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
        if landing.is_ok() && epoch == self.slot.epoch() {
            assert_eq!(claims, self.wanted, "a token without the claims was stored");
            self.wanted = None;
        }
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

    fn challenge(&mut self, number: u8) {
        let serial = self.slot.token.as_ref().map_or(0, |token| token.serial);
        let (epoch, challenge) = (self.slot.epoch(), challenge(number));
        match self.slot.challenge(serial, challenge.clone(), self.now) {
            Rejection::Dropped => {
                self.rejected.push(serial);
                let is_known = self.wanted.as_ref() == Some(&challenge);
                assert_eq!(self.slot.epoch(), epoch + u64::from(!is_known));
                assert!(self.slot.token.is_none());
                self.wanted = Some(challenge);
            }
            Rejection::Loop => assert!(self.slot.token.is_some(), "a loop without a token"),
            other => panic!("the present token was challenged: {other:?}"),
        }
    }

    /// The credential was rotated: the slot goes, and what it knew.
    fn forget(&mut self) {
        if self.departed.is_none() {
            self.slot = Slot::default();
            self.wanted = None;
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
                Move::Challenge(number) => world.challenge(number),
                Move::Forget => world.forget(),
                Move::Pass(secs) => world.now = world.now.plus(secs * 1000),
                Move::SetBack => world.now.wall_ms -= 3_600_000,
                // The steady clock stands still while the machine does.
                Move::Sleep => world.now.wall_ms += 7_200_000,
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

fn slot_with_token(world: &mut World) -> u64 {
    world.look();
    world.land(None);
    world.slot.token.as_ref().unwrap().serial
}

#[test]
fn a_challenge_that_arrives_during_a_refresh_is_not_lost() {
    let mut world = World::default();
    let serial = slot_with_token(&mut world);
    world.now = world.now.plus(3_200_000);
    world.look();
    assert!(world.departed.is_some(), "a refresh is under way");
    let found = world.slot.challenge(serial, challenge(1), world.now);
    assert_eq!(found, Rejection::Dropped);
    world.wanted = Some(challenge(1));
    assert!(matches!(
        world.slot.look(world.now),
        Look::Join(Ticket {
            is_current: false,
            ..
        })
    ));
    world.land(None);
    world.look();
    let (_, _, claims) = world.departed.clone().unwrap();
    assert_eq!(claims, Some(challenge(1)), "the next flight knows of it");
}

#[test]
fn the_same_claims_again_are_a_loop_and_other_claims_are_not() {
    let mut world = World::default();
    let old = slot_with_token(&mut world);
    world.challenge(1);
    let new = slot_with_token(&mut world);
    let again = |world: &mut World, serial, number| {
        let now = world.now;
        world.slot.challenge(serial, challenge(number), now)
    };
    assert_eq!(again(&mut world, old, 1), Rejection::Replaced);
    assert_eq!(again(&mut world, new, 1), Rejection::Loop);
    world.now = world.now.plus(LOOP_MS);
    assert_eq!(again(&mut world, new, 1), Rejection::Dropped);
    world.wanted = Some(challenge(1));
    let newer = slot_with_token(&mut world);
    assert_eq!(again(&mut world, newer, 2), Rejection::Dropped);
}

#[test]
fn a_service_that_says_to_wait_for_nothing_is_still_left_alone_for_a_second() {
    let mut slot = Slot::default();
    let now = Moment::default();
    let departure = slot.depart();
    let mut error = AuthError::new(AuthKind::Throttled, "slow down");
    error.retry_after = Some(Millis::ZERO);
    slot.land(departure.epoch, &Err(Arc::new(error)), now, 0.0);
    assert!(matches!(slot.look(now), Look::Refuse(_)));
    assert!(matches!(slot.look(now.plus(999)), Look::Refuse(_)));
    assert!(matches!(slot.look(now.plus(1000)), Look::Fetch));
}
