------------------------------- MODULE Rounds -------------------------------
(* How long an admitted mutation waits for its commit while one leader leads: with a quorum within reach, two journeys there   *)
(* and back at most, however many come, since what comes while a round is on its way goes together as soon as that one ends.   *)
(* Nothing is lost among those that can be reached; every message is handled within DelayMax units of its sending.             *)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
  Followers,    \* of the leader
  Reached,      \* those of them that can be reached
  DelayMax,     \* units
  RoomMax,      \* mutations that are admitted and not committed, at most; more are refused
  RoundMax,     \* mutations that are gathered at most while a round is on its way
  Bound         \* units from a mutation's admission to its commit

VARIABLES
  waiting,      \* the ages of what is admitted and not committed, the oldest first
  sent,         \* how many of these are on their way
  held,         \* how many of these each follower has
  messages      \* under way: "entries" up to a count, or "held", of what is uncommitted

vars == <<waiting, sent, held, messages>>

Quorum == (Cardinality(Followers) + 1) \div 2
Gathered == Len(waiting) - sent

Init == waiting = <<>> /\ sent = 0 /\ held = [f \in Followers |-> 0] /\ messages = {}

(* What the leader decides whenever it is woken: see Group::propose_due. *)
Due(all, onTheWay) == all > onTheWay /\ (onTheWay = 0 \/ all - onTheWay >= RoundMax)
Entries(all) == {[kind |-> "entries", with |-> f, upto |-> all, age |-> 0] : f \in Reached}
SendDue(all, onTheWay, others) ==
  IF Due(all, onTheWay) THEN sent' = all /\ messages' = others \cup Entries(all)
  ELSE sent' = onTheWay /\ messages' = others

Admit ==
  /\ Len(waiting) < RoomMax
  /\ waiting' = Append(waiting, 0)
  /\ SendDue(Len(waiting) + 1, sent, messages)
  /\ UNCHANGED held

Pass ==
  /\ waiting # <<>>
  /\ \A m \in messages : m.age < DelayMax
  /\ waiting' = [k \in 1..Len(waiting) |-> waiting[k] + 1]
  /\ messages' = {[m EXCEPT !.age = @ + 1] : m \in messages}
  /\ UNCHANGED <<sent, held>>

(* Streams keep the order. *)
Oldest(m) == \A other \in messages : other.kind = m.kind /\ other.with = m.with => m.upto <= other.upto

Hold(m) ==
  /\ m.kind = "entries" /\ Oldest(m)
  /\ messages' = (messages \ {m}) \cup {[m EXCEPT !.kind = "held", !.age = 0]}
  /\ UNCHANGED <<waiting, sent, held>>

Less(n, k) == IF n > k THEN n - k ELSE 0
Committed(h) == CHOOSE k \in 0..sent : /\ Cardinality({f \in Followers : h[f] >= k}) >= Quorum
                                       /\ \A l \in k + 1..sent : Cardinality({f \in Followers : h[f] >= l}) < Quorum
(* All counts are of what is not committed, so a commit takes as many off each. *)
Learn(m) ==
  LET h == [held EXCEPT ![m.with] = IF m.upto > @ THEN m.upto ELSE @]
      k == Committed(h)
      rest == {[o EXCEPT !.upto = @ - k] : o \in {o \in messages \ {m} : o.upto > k}}
  IN  /\ m.kind = "held" /\ Oldest(m)
      /\ waiting' = SubSeq(waiting, k + 1, Len(waiting))
      /\ held' = [f \in Followers |-> Less(h[f], k)]
      /\ SendDue(Len(waiting) - k, sent - k, rest)

Next == Admit \/ Pass \/ \E m \in messages : Hold(m) \/ Learn(m)
Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
InTime == \A k \in 1..Len(waiting) : waiting[k] <= Bound
Bounded == Len(waiting) <= RoomMax /\ sent <= Len(waiting)
=============================================================================
