------------------------------ MODULE Progress ------------------------------
(* How long it takes until an entry is committed again, once a leader has died or a partition has healed, in units of time of  *)
(* which TickUnits are a tick. Elections are held as the code holds them: pre-vote; no vote for a while after a leader's word, *)
(* by the clock; timeouts by the place in line; ticks that begin anew with each word of a leader. Nothing is lost on the way,  *)
(* and every message is handled within DelayMax units of its sending.                                                          *)
EXTENDS Naturals, FiniteSets

CONSTANTS
  Servers,      \* by number, from 0
  Live,         \* those that can be reached
  Whole,        \* those whose log has everything that is committed; the others' logs end before
  Led,          \* who led last
  TickUnits,    \* units in a tick, even
  DelayMax,
  Election,     \* ticks of silence after which the first in line stands for election
  Stagger,      \* ticks that each further one in line waits longer
  Healed,       \* whether a partition healed at 0, timers standing anywhere; else a leader spoke its last words at 0
  WholeRound,   \* whether those words went to all, or to some, which may be none
  Loose,        \* whose timers are left open, as far as what came before allows; those of others were just set back
  Bound         \* ticks

VARIABLES
  now,          \* units
  next,         \* units until a server's next tick
  elapsed,      \* ticks since its election timer was set back
  loyal,        \* units for which it votes for nobody
  again,        \* whether it stood since it heard a leader
  defeats,      \* how often it was told that it would be elected, and was not
  term, vote,
  role,         \* "follower", "hopeful" (a pre-candidate), "candidate", "leader"
  led,          \* whether it knows a leader in its term
  got,          \* who let it stand, or voted for it, or holds its first entry, as its role is
  messages,     \* under way
  done          \* an entry is committed

timers == <<next, elapsed, loyal, again, defeats>>
server == <<term, vote, role, led, got>>
vars == <<now, timers, server, messages, done>>

NoOne == Cardinality(Servers)
Quorum == Cardinality(Servers) \div 2 + 1
HasAllOf(i, j) == i \in Whole \/ j \notin Whole

(* The code's loyalty: half a tick less than the shortest timeout. *)
Loyalty == Election * TickUnits - TickUnits \div 2
Before(i) == Cardinality({j \in Servers : j < i})
Place(i) == IF again[i] THEN Before(i) ELSE Before(i) - (IF Led < i THEN 1 ELSE 0)
Timeout(i) == Election * 2 ^ defeats[i] + Stagger * Place(i)

Words(kind, from, to, t) == {[kind |-> kind, from |-> from, to |-> j, term |-> t, age |-> 0] : j \in to}
Others(i) == Live \ {i}

-----------------------------------------------------------------------------
(* A leader speaks once in a tick. Whoever does not hear its last words heard those of a tick before, h units after they were  *)
(* said. A partition may have left the timers anywhere; nobody was nearly elected meanwhile.                                   *)

HeardBefore(i) == \/ next[i] = TickUnits /\ elapsed[i] = 1
                  \/ next[i] \in 1..DelayMax /\ elapsed[i] = 0
LoyalStill(i) == Loyalty - TickUnits + (IF elapsed[i] = 1 THEN 0 ELSE next[i])
Anywhere(i) == elapsed[i] < Election + Stagger * Before(i)

Longest == IF Healed THEN Election + Stagger * Cardinality(Servers) ELSE 1
Init ==
  /\ now = 0
  /\ \E n \in [Loose -> 1..TickUnits], e \in [Loose -> 0..Longest] :
       /\ next = [i \in Live |-> IF i \in Loose THEN n[i] ELSE TickUnits]
       /\ elapsed = [i \in Live |-> IF i \in Loose THEN e[i] ELSE 0]
  /\ \A i \in Loose : IF Healed THEN Anywhere(i) ELSE HeardBefore(i)
  /\ loyal = [i \in Live |-> IF Healed THEN 0 ELSE LoyalStill(i)]
  /\ again = [i \in Live |-> Healed]
  /\ defeats = [i \in Live |-> 0]
  /\ term = [i \in Live |-> 0]
  /\ vote = [i \in Live |-> NoOne]
  /\ role = [i \in Live |-> "follower"]
  /\ led = [i \in Live |-> ~Healed]
  /\ got = [i \in Live |-> {}]
  /\ \E told \in IF WholeRound THEN {Live} ELSE SUBSET Live :
       messages = IF Healed THEN {} ELSE Words("beat", NoOne, told, 0)
  /\ done = FALSE

(* Messages that would change nothing any more, whenever they came, are forgotten. *)
Matters(m) ==
  CASE m.kind = "you may" -> role[m.to] = "hopeful" /\ m.term = term[m.to] + 1
    [] m.kind = "yes" -> role[m.to] = "candidate" /\ m.term = term[m.to]
    [] m.kind = "held" -> role[m.to] = "leader" /\ m.term = term[m.to]
    [] m.kind = "no" -> m.term > term[m.to]
    [] m.kind \in {"beat", "vote"} -> m.term >= term[m.to]
    [] OTHER -> TRUE
UnderWay(words) == messages' = {m \in words : Matters(m)'}

-----------------------------------------------------------------------------
(* Time passes: whoever's tick falls on the next unit counts it, and stands for election where that was the last.              *)

TicksNow(i) == next[i] = 1 /\ role[i] # "leader"
Due(i) == TicksNow(i) /\ elapsed[i] + 1 >= Timeout(i)
(* While it is loyal its tick is passed over. *)
Stands(i) == Due(i) /\ loyal[i] <= 1

Pass ==
  /\ ~done
  /\ \A m \in messages : m.age < DelayMax
  /\ now' = now + 1
  /\ next' = [i \in Live |-> IF next[i] = 1 THEN TickUnits ELSE next[i] - 1]
  /\ elapsed' = [i \in Live |-> IF Stands(i) THEN 0 ELSE IF TicksNow(i) /\ ~Due(i) THEN elapsed[i] + 1 ELSE elapsed[i]]
  /\ loyal' = [i \in Live |-> IF loyal[i] = 0 THEN 0 ELSE loyal[i] - 1]
  /\ again' = [i \in Live |-> again[i] \/ Stands(i)]
  /\ defeats' = [i \in Live |-> IF Stands(i) /\ role[i] = "candidate" THEN defeats[i] + 1 ELSE defeats[i]]
  /\ role' = [i \in Live |-> IF Stands(i) THEN "hopeful" ELSE role[i]]
  /\ led' = [i \in Live |-> led[i] /\ ~Stands(i)]
  /\ got' = [i \in Live |-> IF Stands(i) THEN {i} ELSE got[i]]
  /\ UNCHANGED <<term, vote, done>>
  /\ UnderWay({[m EXCEPT !.age = @ + 1] : m \in messages}
              \cup UNION {Words("may I", i, Others(i), term[i] + 1) : i \in {i \in Live : Stands(i)}})

-----------------------------------------------------------------------------
(* One message is handled: what becomes of its receiver, and what is sent.                                                     *)

Become(i, t, v, r, l, e, g) ==
  /\ UNCHANGED <<next, loyal, again, defeats>>
  /\ term' = [term EXCEPT ![i] = t] /\ vote' = [vote EXCEPT ![i] = v] /\ role' = [role EXCEPT ![i] = r]
  /\ led' = [led EXCEPT ![i] = l] /\ elapsed' = [elapsed EXCEPT ![i] = e] /\ got' = [got EXCEPT ![i] = g]
Stay == UNCHANGED <<timers, server>>
Answer(m, words) == UnderWay((messages \ {m}) \cup words)
Follow(i, t, l) == Become(i, t, IF t = term[i] THEN vote[i] ELSE NoOne, "follower", l, 0, {})

Hear(i, t) ==
  /\ term' = [term EXCEPT ![i] = t] /\ vote' = [vote EXCEPT ![i] = IF t = term[i] THEN @ ELSE NoOne]
  /\ role' = [role EXCEPT ![i] = "follower"] /\ led' = [led EXCEPT ![i] = TRUE] /\ got' = [got EXCEPT ![i] = {}]
  /\ elapsed' = [elapsed EXCEPT ![i] = 0] /\ next' = [next EXCEPT ![i] = TickUnits] /\ loyal' = [loyal EXCEPT ![i] = Loyalty]
  /\ again' = [again EXCEPT ![i] = FALSE] /\ defeats' = [defeats EXCEPT ![i] = 0]

Withheld(i) == loyal[i] > 0 \/ role[i] = "leader"
(* A vote or a pre-vote for term t. *)
MayVote(i, from, t) ==
  /\ HasAllOf(from, i)
  /\ t > term[i] \/ (t = term[i] /\ (vote[i] = from \/ (vote[i] = NoOne /\ ~led[i])))

MayI(i, m) ==
  /\ Stay
  /\ IF Withheld(i) THEN Answer(m, {})
     ELSE IF MayVote(i, m.from, m.term) THEN Answer(m, Words("you may", i, {m.from}, m.term))
     ELSE Answer(m, Words("no", i, {m.from}, term[i]))

YouMay(i, m) ==
  IF ~(role[i] = "hopeful" /\ m.term = term[i] + 1) THEN Stay /\ Answer(m, {})
  ELSE IF Cardinality(got[i] \cup {m.from}) < Quorum
  THEN Become(i, term[i], vote[i], role[i], led[i], elapsed[i], got[i] \cup {m.from}) /\ Answer(m, {})
  ELSE Become(i, m.term, i, "candidate", FALSE, 0, {i}) /\ Answer(m, Words("vote", i, Others(i), m.term))

Vote(i, m) ==
  IF Withheld(i) THEN Stay /\ Answer(m, {})
  ELSE IF MayVote(i, m.from, m.term)
  THEN Become(i, m.term, m.from, "follower", FALSE, 0, {}) /\ Answer(m, Words("yes", i, {m.from}, m.term))
  ELSE IF m.term > term[i] THEN Follow(i, m.term, FALSE) /\ Answer(m, {})
  ELSE Stay /\ Answer(m, {})

Yes(i, m) ==
  IF ~(role[i] = "candidate" /\ m.term = term[i]) THEN Stay /\ Answer(m, {})
  ELSE IF Cardinality(got[i] \cup {m.from}) < Quorum
  THEN Become(i, term[i], vote[i], role[i], led[i], elapsed[i], got[i] \cup {m.from}) /\ Answer(m, {})
  ELSE Become(i, term[i], i, "leader", TRUE, 0, {i}) /\ Answer(m, Words("entry", i, Others(i), term[i]))

No(i, m) ==
  /\ IF m.term > term[i] THEN Follow(i, m.term, FALSE) ELSE Stay
  /\ Answer(m, {})

Entry(i, m) ==
  IF m.term < term[i] THEN Stay /\ Answer(m, Words("no", i, {m.from} \cap Live, term[i]))
  ELSE Hear(i, m.term) /\ Answer(m, IF m.kind = "entry" THEN Words("held", i, {m.from}, m.term) ELSE {})

Held(i, m) ==
  /\ IF role[i] = "leader" /\ m.term = term[i]
     THEN Become(i, term[i], vote[i], role[i], TRUE, elapsed[i], got[i] \cup {m.from}) ELSE Stay
  /\ Answer(m, {})

Handle(m) ==
  LET i == m.to IN
  /\ ~done
  /\ CASE m.kind = "may I" -> MayI(i, m)
       [] m.kind = "you may" -> YouMay(i, m)
       [] m.kind = "vote" -> Vote(i, m)
       [] m.kind = "yes" -> Yes(i, m)
       [] m.kind = "no" -> No(i, m)
       [] m.kind \in {"beat", "entry"} -> Entry(i, m)
       [] m.kind = "held" -> Held(i, m)
  /\ done' = (role'[i] = "leader" /\ Cardinality(got'[i]) >= Quorum)
  /\ UNCHANGED now

Next == Pass \/ \E m \in messages : Handle(m)
Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
InTime == now <= Bound * TickUnits
OneLeaderPerTerm == \A i, j \in Live : role[i] = "leader" /\ role[j] = "leader" /\ term[i] = term[j] => i = j
=============================================================================
