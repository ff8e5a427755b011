//! A Defender in memory that answers late, wrongly, twice or not at all.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};

use actions_contract::{
    ActionError, Body, BoxFuture, Call, Egress, EgressError, ErrorKind, Mode, Request, Response,
    Sent,
};
use engine_model::{Millis, code};
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::devices::{Deed, Device, Kind, fleet, holding};
use crate::sim::{Fault, Moment, Sim};

/// What a request asks for.
#[derive(Clone, Debug)]
enum Wish {
    Device(String),
    Devices(String),
    Address(String),
    Deed(String),
    Deeds {
        device: String,
        kind: String,
    },
    Do {
        device: String,
        kind: Kind,
        comment: String,
        idem: String,
    },
}

/// Something that contains was taken.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) device: String,
    pub(crate) idem: String,
}

pub(crate) struct Inside {
    chance: Chance,
    pub(crate) devices: Vec<Device>,
    pub(crate) deeds: Vec<Deed>,
    pub(crate) taken: Vec<Taken>,
    /// Requests that are still on their way, whoever sent them gone.
    late: Vec<(i64, Wish)>,
    /// When a device was last looked at, by the try that did.
    reads: BTreeMap<(String, u32), i64>,
    pub(crate) directory_down_until: i64,
}

/// The world outside of the engine.
pub(crate) struct World {
    sim: Arc<Sim>,
    inside: Mutex<Inside>,
}

impl World {
    pub(crate) fn new(sim: &Arc<Sim>) -> Arc<Self> {
        Arc::new(Self {
            inside: Mutex::new(Inside {
                chance: Chance::new(sim.seed, 2),
                devices: fleet(),
                deeds: Vec::new(),
                taken: Vec::new(),
                late: Vec::new(),
                reads: BTreeMap::new(),
                directory_down_until: 0,
            }),
            sim: Arc::clone(sim),
        })
    }

    /// The world as it is now.
    pub(crate) fn inside(&self) -> MutexGuard<'_, Inside> {
        let mut inside = self.inside.lock().unwrap();
        let now = self.sim.now();
        loop {
            let first = inside
                .late
                .iter()
                .enumerate()
                .filter(|(_, (at, _))| *at <= now);
            let Some((index, _)) = first.min_by_key(|(_, (at, _))| *at) else {
                return inside;
            };
            let (at, wish) = inside.late.remove(index);
            self.sim.tell(|| format!("it arrives late: {wish:?}"));
            self.answer(&mut inside, &wish, at);
        }
    }

    /// What may never be, looked at when a request leaves.
    fn watch(&self, inside: &Inside, call: &Call, wish: &Wish) {
        let Wish::Do { device, kind, .. } = wish else {
            return;
        };
        if !kind.contains() {
            return;
        }
        if self.sim.halted.load(Ordering::SeqCst) {
            let idem = &call.idem;
            self.sim.breaks(format!(
                "halt: {idem} contains after everything was stopped"
            ));
        }
        let read = inside.reads.get(&(call.idem.clone(), call.attempt));
        let found = inside.devices.iter().find(|one| one.id == *device);
        let protected = found.and_then(|device| device.protected_since);
        match (read, protected) {
            (None, _) => self.sim.breaks(format!(
                "never: {} contains {device}, which was not looked at first",
                call.idem
            )),
            (Some(at), Some(since)) if since <= *at => self.sim.breaks(format!(
                "never: {} contains the protected {device}",
                call.idem
            )),
            _ => {}
        }
    }

    /// What goes wrong with a request.
    fn draw(&self, inside: &mut Inside, call: &Call, wish: &Wish) -> Option<Fault> {
        if self.sim.is_calm() {
            return None;
        }
        let looks_for_target = call.action.as_str() == "defender.find-device";
        if looks_for_target {
            if self.sim.now() < inside.directory_down_until {
                return Some(Fault::DirectoryDown);
            }
            return match inside.chance.below(60) {
                0 => Some(Fault::DirectoryDown),
                1 => Some(Fault::DirectorySlow),
                2 => Some(Fault::ServiceThrottles),
                3 => Some(Fault::AnswerGarbled),
                _ => None,
            };
        }
        let often = if matches!(wish, Wish::Do { .. }) {
            28
        } else {
            70
        };
        Some(match inside.chance.below(often) {
            0 => Fault::ServiceUnavailable,
            1 => Fault::ServiceThrottles,
            2 => Fault::ConnectionCut,
            3 => Fault::LostBeforeEffect,
            4 | 5 => Fault::LostAfterEffect,
            6 => Fault::HangsBeforeEffect,
            7 => Fault::HangsAfterEffect,
            8 => Fault::AnswersLate,
            9 => Fault::AnswerGarbled,
            10 | 11 if matches!(wish, Wish::Do { .. }) => Fault::ArrivesLate,
            _ => return None,
        })
    }

    /// The request has its effect; what the service says.
    fn answer(&self, inside: &mut Inside, wish: &Wish, now: i64) -> (u16, Value) {
        let list = |found: Vec<Value>| (200, json!({ "value": found }));
        let missing = (404, refusal("ResourceNotFound", "it is not there"));
        match wish {
            Wish::Device(id) => {
                let found = inside.devices.iter().find(|device| device.id == *id);
                found.map_or(missing, |device| (200, device.shown(now)))
            }
            Wish::Devices(begin) => {
                let found = inside.devices.iter();
                let found = found.filter(|device| device.name.starts_with(begin.as_str()));
                list(found.map(|device| device.shown(now)).collect())
            }
            Wish::Address(address) => {
                let found = inside.devices.iter();
                let found = found.filter(|device| device.address == *address);
                list(found.map(|device| device.shown(now)).collect())
            }
            Wish::Deed(id) => {
                let found = inside.deeds.iter().find(|deed| deed.id == *id);
                found
                    .filter(|deed| deed.shown_at <= now)
                    .map_or(missing, |deed| (200, deed.shown(now)))
            }
            Wish::Deeds { device, kind } => {
                let found = inside.deeds.iter().filter(|deed| {
                    deed.device == *device && deed.kind.word() == kind && deed.shown_at <= now
                });
                list(found.map(|deed| deed.shown(now)).collect())
            }
            Wish::Do { .. } => self.take(inside, wish, now),
        }
    }

    /// A device is asked to do something.
    fn take(&self, inside: &mut Inside, wish: &Wish, now: i64) -> (u16, Value) {
        let Wish::Do {
            device, kind, idem, ..
        } = wish
        else {
            unreachable!("only this does something");
        };
        if !inside.devices.iter().any(|one| one.id == *device) {
            return (404, refusal("ResourceNotFound", "there is no such device"));
        }
        let mut of_kind = inside.deeds.iter();
        if of_kind.any(|deed| deed.device == *device && deed.kind == *kind && deed.is_open(now)) {
            let message = "the same action is already in progress";
            return (400, refusal("ActiveRequestAlreadyExists", message));
        }
        if kind.contains() {
            if let Some(other) = holding(&inside.deeds, device, *kind, now) {
                let (kind, other) = (kind.word(), &other.idem);
                self.sim.breaks(format!(
                    "twice: {idem} {kind} {device}, which {other} holds"
                ));
            }
            inside.taken.push(Taken {
                device: device.clone(),
                idem: idem.clone(),
            });
        }
        let deed = self.deed(inside, wish, now);
        let shown = deed.shown(now);
        inside.deeds.push(deed);
        (201, shown)
    }

    /// What becomes of what a device was asked to do.
    fn deed(&self, inside: &mut Inside, wish: &Wish, now: i64) -> Deed {
        let Wish::Do {
            device,
            kind,
            comment,
            idem,
        } = wish
        else {
            unreachable!("only this does something");
        };
        let (calm, number) = (self.sim.is_calm(), inside.deeds.len());
        let chance = &mut inside.chance;
        let fails = !calm && chance.one_in(if kind.contains() { 12 } else { 40 });
        let hides = !calm && chance.one_in(6);
        let took = if chance.one_in(8) {
            chance.within(60_000, 200_000)
        } else {
            chance.within(500, 20_000)
        };
        let shown_at = now
            + if hides {
                i64::try_from(chance.within(500, 6000)).unwrap()
            } else {
                0
            };
        for (happens, fault) in [(fails, Fault::FailsOnDevice), (hides, Fault::ShownLate)] {
            if happens {
                self.sim.fault(fault);
            }
        }
        Deed {
            id: format!("deed{number}"),
            kind: *kind,
            device: device.clone(),
            comment: comment.clone(),
            idem: idem.clone(),
            at: now,
            shown_at,
            ends_at: now + i64::try_from(took).unwrap(),
            fails,
        }
    }

    /// A request arrives when whoever sent it has given up.
    fn comes_late(&self, wish: Wish) {
        let mut inside = self.inside();
        let later = i64::try_from(inside.chance.within(2000, 15_000)).unwrap();
        inside.late.push((self.sim.now() + later, wish));
    }

    /// What a request comes to that does not reach the service, or reaches it unseen.
    async fn ends_on_the_way(
        &self,
        fault: Option<Fault>,
        wish: &Wish,
        back: u64,
    ) -> Option<Result<Response, EgressError>> {
        Some(match fault? {
            Fault::ConnectionCut => Err(lost(Sent::No)),
            Fault::ServiceUnavailable | Fault::DirectoryDown => {
                Ok(response(503, &refusal("ServiceUnavailable", "later"), None))
            }
            Fault::ServiceThrottles => {
                let wait = Some(Millis::from_secs(3));
                Ok(response(429, &refusal("TooManyRequests", "slower"), wait))
            }
            Fault::DirectorySlow => {
                self.sim.sleep(16_000).await;
                return None;
            }
            Fault::HangsBeforeEffect => std::future::pending().await,
            Fault::LostBeforeEffect => {
                self.sim.sleep(1000 + back * 500).await;
                Err(lost(Sent::Maybe))
            }
            Fault::ArrivesLate => {
                self.comes_late(wish.clone());
                self.sim.sleep(1000).await;
                Err(lost(Sent::Maybe))
            }
            _ => return None,
        })
    }

    /// A request on its way, into the service and back.
    async fn sent(&self, call: &Call, wish: Wish) -> Result<Response, EgressError> {
        let (fault, there, back) = {
            let mut inside = self.inside();
            self.watch(&inside, call, &wish);
            let fault = self.draw(&mut inside, call, &wish);
            let (there, back) = (inside.chance.within(1, 40), inside.chance.within(1, 40));
            (fault, there, back)
        };
        if let Some(fault) = fault {
            self.sim.fault(fault);
        }
        self.sim.tell(|| {
            let (mode, attempt) = (call.mode, call.attempt);
            format!("{mode:?} {} #{attempt} {wish:?} {fault:?}", call.idem)
        });
        self.sim.sleep(there).await;
        self.sim.comes(Moment::BeforeEffect).await;
        if let Some(end) = self.ends_on_the_way(fault, &wish, back).await {
            return end;
        }
        let (status, body) = {
            let mut inside = self.inside();
            let now = self.sim.now();
            if call.action.as_str() == "defender.find-device" {
                let key = (call.idem.clone(), call.attempt);
                inside.reads.insert(key, now);
            }
            self.answer(&mut inside, &wish, now)
        };
        self.sim.comes(Moment::AfterEffect).await;
        match fault {
            Some(Fault::LostAfterEffect) => {
                self.sim.sleep(back * 300).await;
                return Err(lost(Sent::Maybe));
            }
            Some(Fault::HangsAfterEffect) => std::future::pending().await,
            Some(Fault::AnswersLate) => self.sim.sleep(back * 900).await,
            _ => self.sim.sleep(back).await,
        }
        let mut response = response(status, &body, None);
        if fault == Some(Fault::AnswerGarbled) {
            response.body.truncate(5);
        }
        self.sim.alive().await;
        Ok(response)
    }
}

impl Egress for World {
    fn send<'a>(
        &'a self,
        call: &'a Call,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, EgressError>> {
        Box::pin(async move {
            self.sim.alive().await;
            let wish = wish(call, &request);
            assert!(call.mode != Mode::Simulate, "what is simulated is not sent");
            self.sent(call, wish).await
        })
    }
}

fn wish(call: &Call, request: &Request) -> Wish {
    let query = |name: &str| {
        let pair = request.query.iter().find(|(own, _)| own == name);
        pair.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let parts: Vec<&str> = request.path.split('/').skip(2).collect();
    let quoted: Vec<String> = query("$filter")
        .split('\'')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    match parts.as_slice() {
        ["machines"] => Wish::Devices(quoted[0].clone()),
        ["machines", one] if one.starts_with("findbyip") => {
            let plain = one.replace("%27", "'");
            Wish::Address(plain.split('\'').nth(1).unwrap_or_default().to_owned())
        }
        ["machines", id] => Wish::Device((*id).to_owned()),
        ["machineactions"] => Wish::Deeds {
            device: quoted[0].clone(),
            kind: quoted[1].clone(),
        },
        ["machineactions", id] => Wish::Deed((*id).to_owned()),
        ["machines", id, what] => {
            let kind = Kind::ALL.into_iter().find(|kind| kind.path() == *what);
            let Body::Json(body) = &request.body else {
                panic!("no body: {request:?}");
            };
            Wish::Do {
                device: (*id).to_owned(),
                kind: kind.unwrap_or_else(|| panic!("nothing here does `{what}`")),
                comment: body["Comment"].as_str().unwrap().to_owned(),
                idem: call.idem.clone(),
            }
        }
        other => panic!("nothing here answers {other:?}"),
    }
}

fn refusal(code: &str, message: &str) -> Value {
    json!({ "error": { "code": code, "message": message } })
}

fn response(status: u16, body: &Value, retry_after: Option<Millis>) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
        retry_after,
    }
}

fn lost(sent: Sent) -> EgressError {
    let error = match sent {
        Sent::No => ActionError::retryable(ErrorKind::Network, code::BR0201, "cut", None),
        Sent::Maybe => ActionError::retryable(ErrorKind::Timeout, code::BR0202, "no answer", None),
    };
    EgressError { error, sent }
}
