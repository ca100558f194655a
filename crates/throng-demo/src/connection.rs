//! One connection from its first message to its end: the driver of a link, a service and an outbox.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{Notify, mpsc, watch},
    time::{Interval, MissedTickBehavior, interval},
};

use crate::{
    link::{Link, Received},
    outbox::{Kind, Outbox, Outgoing},
    plan::{Decision, Ending, Garbage},
    server::Server,
    service::{Push, Service, Then, Turn},
    tally::End,
    timer::Alarm,
    wire::Writing,
};

/// How long a goodbye may take when the demo ends.
const GOODBYE_LIMIT: Duration = Duration::from_millis(200);

/// More than this is flushed even while requests keep coming.
const FLUSH_ABOVE: usize = 64 * 1024;

/// With more messages than this waiting for their time, requests wait too.
const MOST_WAITING: usize = 10_000;

/// Decodes as nothing: as an envelope its field count runs over its end, and unpacking wants 2,048 bytes more.
const GARBAGE: &[u8] = &[0xff; 5];

/// A client's connection.
pub(crate) struct Connection<L, S> {
    link: L,
    service: S,
    server: Arc<Server>,
    outbox: Outbox,
    alarm: Alarm,
    inbox: Option<mpsc::Receiver<Push>>,
    dismissal: Option<Arc<Notify>>,
    heartbeat: Option<Interval>,
    input: Input,
    output: Output,
    turn: Turn,
    payload: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Input {
    Open,
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Output {
    Open,
    /// By the fault; requests are still read and counted.
    HalfClosed,
}

/// What a connection waits for.
enum Event {
    Received(Received),
    Due,
    Push(Push),
    Heartbeat,
    Dismissed,
    Flush,
}

impl<L: Link, S: Service> Connection<L, S> {
    pub(crate) fn new(link: L, mut service: S, server: Arc<Server>, heartbeat: Option<Duration>) -> Self {
        let (inbox, dismissal) = (service.inbox(), service.dismissal());
        Self {
            link,
            service,
            outbox: Outbox::default(),
            alarm: server.alarm(),
            inbox,
            dismissal,
            heartbeat: heartbeat.map(every),
            server,
            input: Input::Open,
            output: Output::Open,
            turn: Turn::default(),
            payload: Vec::new(),
        }
    }

    /// Serves the connection until it ends, one way or the other.
    pub(crate) async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let end = tokio::select! {
            end = self.serve() => end,
            _ = shutdown.wait_for(|down| *down) => End::Shutdown,
        };
        self.server.tally.unanswered.add(self.outbox.clear());
        let end = match end {
            // Whoever finds the door shut and leaves has only closed.
            End::Broken if self.output == Output::HalfClosed => End::Client,
            end => end,
        };
        match end {
            End::Reset => self.link.wire().reset_on_drop(),
            End::Vanished => {
                self.server.tally.ended(end);
                // A closed channel means the demo is gone, which ends the waiting too.
                let _ = shutdown.wait_for(|down| *down).await;
                return;
            }
            End::Shutdown if self.output == Output::Open => {
                // The client may be gone, or not listening: then there is no goodbye.
                let _ = tokio::time::timeout(GOODBYE_LIMIT, self.link.close()).await;
            }
            _ => {}
        }
        self.server.tally.ended(end);
    }

    async fn serve(&mut self) -> End {
        if self.greet().await.is_err() {
            return End::Broken;
        }
        loop {
            let event = self.next_event().await;
            match self.handle(event).await {
                Ok(None) => {}
                Ok(Some(end)) => return end,
                Err(_) => return End::Broken,
            }
        }
    }

    /// The order is that of the arms: what is due goes first, and a flush waits until nothing else is there, so that
    /// answers to requests that came together leave together.
    async fn next_event(&mut self) -> Event {
        let due = self.outbox.next_due();
        let room = self.link.queued() < FLUSH_ABOVE && self.outbox.len() < MOST_WAITING;
        let reading = self.input == Input::Open && room;
        tokio::select! {
            biased;
            () = self.alarm.until(due.unwrap_or_else(Instant::now)), if due.is_some() => Event::Due,
            push = next_push(&mut self.inbox), if self.inbox.is_some() => Event::Push(push),
            () = dismissed(self.dismissal.as_deref()), if self.dismissal.is_some() => Event::Dismissed,
            () = tick(&mut self.heartbeat), if self.heartbeat.is_some() => Event::Heartbeat,
            received = self.link.receive(), if reading => Event::Received(received),
            () = std::future::ready(()), if self.link.queued() > 0 => Event::Flush,
            // All arms may be off for a client that half-closed and waits for nothing; `handle` has ended it then.
            else => Event::Received(Received::Closed),
        }
    }

    async fn handle(&mut self, event: Event) -> io::Result<Option<End>> {
        match event {
            Event::Received(Received::Message) => return self.answer().await,
            Event::Received(Received::EndOfInput) => self.input = Input::Ended,
            Event::Received(Received::Closed) => return Ok(Some(End::Client)),
            Event::Received(Received::Violation) => return Ok(Some(End::Protocol)),
            Event::Received(Received::Broken) => return Ok(Some(End::Broken)),
            Event::Due => {
                if let Some(end) = self.write_due().await? {
                    return Ok(Some(end));
                }
            }
            Event::Push(push) => {
                self.link.queue(&push.payload).await?;
                self.server.tally.pushes[push.name].one();
            }
            Event::Heartbeat => self.beat().await?,
            Event::Dismissed => {
                self.link.close().await?;
                return Ok(Some(End::Dismissed));
            }
            Event::Flush => self.link.flush().await?,
        }
        let finished = self.input == Input::Ended && self.outbox.is_empty() && self.link.queued() == 0;
        Ok(finished.then_some(End::Client))
    }

    async fn answer(&mut self) -> io::Result<Option<End>> {
        self.turn.clear();
        if self.service.answer(self.link.message(), &mut self.turn).is_err() {
            self.server.tally.undecodable.one();
            return Ok(None);
        }
        self.server.tally.requests[self.turn.request].one();
        if let Some(outcome) = self.turn.outcome {
            self.server.tally.outcomes[outcome].one();
        }
        if self.output == Output::HalfClosed {
            self.server.tally.unanswered.add(usize::from(self.turn.reply.is_some()));
            return Ok(None);
        }
        if self.server.plan.is_empty() && self.turn.pushes.is_empty() && self.turn.then == Then::GoOn {
            return self.reply_now().await;
        }
        let decision = self.server.plan.decide(self.turn.request, self.turn.reply.is_some());
        match decision.ending {
            Some(ending) => self.end(ending).await,
            None => {
                self.schedule(decision);
                self.write_due().await
            }
        }
    }

    /// The path without faults: no clock, no copy kept.
    async fn reply_now(&mut self) -> io::Result<Option<End>> {
        if self.turn.reply.is_some() {
            self.payload.clear();
            self.service.wrap(&self.turn, &self.turn.body, &mut self.payload);
            self.link.queue(&self.payload).await?;
            self.replied(self.turn.request);
        }
        Ok(None)
    }

    async fn end(&mut self, ending: Ending) -> io::Result<Option<End>> {
        let tally = &self.server.tally;
        tally.unanswered.add(usize::from(self.turn.reply.is_some()));
        match ending {
            Ending::Reset => Ok(Some(End::Reset)),
            Ending::Vanish => Ok(Some(End::Vanished)),
            Ending::HalfClose => {
                tally.half_closed.one();
                tally.unanswered.add(self.outbox.clear());
                self.inbox = None;
                self.heartbeat = None;
                self.output = Output::HalfClosed;
                self.link.flush().await?;
                tokio::io::AsyncWriteExt::shutdown(self.link.wire()).await?;
                Ok(None)
            }
        }
    }

    /// Puts the turn's reply, with what the faults make of it, and its pushes into the outbox.
    fn schedule(&mut self, decision: Decision) {
        let arrived = Instant::now();
        let due = match self.turn.reply {
            Some(_) => self.outbox.due(self.turn.request, arrived, decision.delay),
            None => arrived,
        };
        if self.turn.reply.is_some() {
            if decision.drop {
                self.server.tally.dropped.one();
            } else {
                self.schedule_reply(decision, arrived, due);
            }
            self.schedule_strays(decision, due);
        }
        for push in self.turn.pushes.drain(..) {
            self.outbox.add(due, plain(Kind::Push(push.name), push.payload));
        }
        if self.turn.then == Then::Close {
            self.outbox.add(due, plain(Kind::Close, Arc::default()));
        }
    }

    fn schedule_reply(&mut self, decision: Decision, arrived: Instant, due: Instant) {
        self.payload.clear();
        match decision.garbage {
            None => self.service.wrap(&self.turn, &self.turn.body, &mut self.payload),
            Some(Garbage::Body) => self.service.wrap(&self.turn, GARBAGE, &mut self.payload),
            Some(Garbage::Whole) => self.payload.extend_from_slice(GARBAGE),
        }
        if decision.garbage.is_some() {
            self.server.tally.garbage.one();
        }
        let payload: Arc<[u8]> = self.payload.as_slice().into();
        let reply = Outgoing {
            kind: Kind::Reply(self.turn.request),
            payload: Arc::clone(&payload),
            writing: if decision.single_bytes { Writing::SingleBytes } else { Writing::Whole },
            delayed_since: decision.delay.map(|_| arrived),
        };
        let reply = if decision.hold { self.outbox.hold(reply) } else { Err(reply) };
        if let Err(reply) = reply {
            self.outbox.add(due, reply);
            if decision.double {
                self.outbox.add(due, plain(Kind::Copy, payload));
            }
            self.outbox.release(due);
        }
    }

    fn schedule_strays(&mut self, decision: Decision, due: Instant) {
        if decision.orphan {
            self.payload.clear();
            self.service.orphan(&self.turn, &mut self.payload);
            self.outbox.add(due, plain(Kind::Orphan, self.payload.as_slice().into()));
        }
        if decision.unknown_push {
            self.payload.clear();
            self.service.unknown_push(&mut self.payload);
            self.outbox.add(due, plain(Kind::UnknownPush, self.payload.as_slice().into()));
        }
        if decision.kick {
            self.payload.clear();
            if let Some(name) = self.service.kick(&mut self.payload) {
                self.outbox.add(due, plain(Kind::Push(name), self.payload.as_slice().into()));
            }
        }
    }

    async fn write_due(&mut self) -> io::Result<Option<End>> {
        if self.outbox.next_due().is_none_or(|due| due > Instant::now()) {
            return Ok(None);
        }
        // A stall is part of the delay that is given, so it is over before the clock is read.
        self.server.gate.pass().await;
        let now = Instant::now();
        let mut delayed = false;
        while let Some(message) = self.outbox.pop_due(now) {
            if message.kind == Kind::Close {
                self.link.close().await?;
                return Ok(Some(End::Quit));
            }
            delayed |= message.delayed_since.is_some();
            self.write(message).await?;
        }
        if delayed {
            self.link.flush().await?;
        }
        Ok(None)
    }

    async fn write(&mut self, message: Outgoing) -> io::Result<()> {
        if let Some(since) = message.delayed_since {
            self.server.tally.delay_given(since.elapsed());
        }
        match message.writing {
            Writing::Whole => self.link.queue(&message.payload).await?,
            Writing::SingleBytes => {
                self.link.flush().await?;
                self.link.wire().set_writing(Writing::SingleBytes);
                self.link.queue(&message.payload).await?;
                self.link.flush().await?;
                self.link.wire().set_writing(Writing::Whole);
                self.server.tally.single_bytes.one();
            }
        }
        if let Kind::Reply(name) | Kind::Reordered(name) = message.kind {
            self.replied(name);
        }
        let tally = &self.server.tally;
        match message.kind {
            Kind::Reply(_) | Kind::Close => {}
            Kind::Reordered(_) => tally.reordered.one(),
            Kind::Copy => tally.doubled.one(),
            Kind::Push(name) => tally.pushes[name].one(),
            Kind::Orphan => tally.orphans.one(),
            Kind::UnknownPush => tally.unknown_pushes.one(),
        }
        Ok(())
    }

    fn replied(&mut self, request: usize) {
        self.server.tally.replies[request].one();
        self.service.replied(request);
    }

    async fn greet(&mut self) -> io::Result<()> {
        self.payload.clear();
        if let Some(name) = self.service.greeting(&mut self.payload) {
            self.link.queue(&self.payload).await?;
            self.server.tally.pushes[name].one();
        }
        Ok(())
    }

    async fn beat(&mut self) -> io::Result<()> {
        self.payload.clear();
        if let Some(name) = self.service.heartbeat(&mut self.payload) {
            self.link.queue(&self.payload).await?;
            self.server.tally.pushes[name].one();
        }
        Ok(())
    }
}

fn plain(kind: Kind, payload: Arc<[u8]>) -> Outgoing {
    Outgoing { kind, payload, writing: Writing::Whole, delayed_since: None }
}

/// The first tick is at once, as in skynet's example.
fn every(period: Duration) -> Interval {
    let mut interval = interval(period);
    // After a stall one beat follows, not all the missed ones.
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

async fn next_push(inbox: &mut Option<mpsc::Receiver<Push>>) -> Push {
    if let Some(inbox) = inbox
        && let Some(push) = inbox.recv().await
    {
        return push;
    }
    std::future::pending().await
}

async fn dismissed(dismissal: Option<&Notify>) {
    match dismissal {
        Some(dismissal) => dismissal.notified().await,
        None => std::future::pending().await,
    }
}

async fn tick(heartbeat: &mut Option<Interval>) {
    match heartbeat {
        Some(interval) => drop(interval.tick().await),
        None => std::future::pending().await,
    }
}
