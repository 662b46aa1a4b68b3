------------------------------ MODULE Failover ------------------------------
(* One Raft group with warm standby, as its players see it: what was shown to a player as confirmed is never lost and never   *)
(* shown early, an operation takes effect once however often it is sent, and at most one leader serves.                        *)
(*                                                                                                                             *)
(* Messages are kept as what was ever said (asked, ballots, said, acked), and a replica may take in any of it at any later     *)
(* time, more than once or never: so loss, delay, duplication and reordering need no actions of their own.                     *)
(* Time is a count of ticks; drift of the clocks is in the constants Promise and Lease.                                        *)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
  Replicas,     \* every replica that may ever be
  Founders,     \* the first voters
  NoOne,        \* stands for no replica
  SeqMax,       \* the player's operations are 1..SeqMax, in this order
  TermMax,      \* bounds: no election after this term,
  LenMax,       \* no entry after this place,
  LostMax,      \* and as many replicas lose their disks
  Promise,      \* ticks for which a voter that heard from a leader votes for no other, at the least, by any clock
  Lease,        \* ticks after the sending of a heartbeat that a lease by it lasts, at the most, by any clock
  Transfers,    \* whether leaders hand over
  LateStore,    \* whether a leader's own write may end after its followers' writes
  VotesTell     \* whether requests for votes, and refusals, tell what is committed

VARIABLES
  (* on the disk of each replica *)
  term, vote, log,
  (* in its memory *)
  role,         \* "follower", "candidate", "leader", or "lost": its disk is gone and it never returns
  commit,       \* how far it knows the log to be committed
  quiet,        \* ticks until it may vote again
  beat,         \* a leader's heartbeat: ticks for which it is worth something, and who has answered it
  (* what was ever said *)
  asked,        \* requests for votes
  ballots,      \* votes
  said,         \* per term: its leader's log and commit, as far as it sent them
  acked,        \* per term and replica: how much of that log it holds
  handed,       \* the terms in which a leader began to hand over
  (* the player *)
  shown         \* the committed entries that it was shown

disk == <<term, vote, log>>
memory == <<role, commit, quiet, beat>>
words == <<asked, ballots, said, acked, handed>>
vars == <<disk, memory, words, shown>>

Terms == 1..TermMax
Min(a, b) == IF a < b THEN a ELSE b
Max(a, b) == IF a > b THEN a ELSE b
LastTerm(l) == IF l = <<>> THEN 0 ELSE l[Len(l)].term
IsPrefix(a, b) == Len(a) <= Len(b) /\ SubSeq(b, 1, Len(a)) = a
Agree(a, b) == IsPrefix(a, b) \/ IsPrefix(b, a)

Entry(t, kind, seq, voters) == [term |-> t, kind |-> kind, seq |-> seq, voters |-> voters]
First(t) == Entry(t, "first", 0, {})

-----------------------------------------------------------------------------
(* Members: they change where a replica knows the entry to be committed, as the engine does it.                                *)

Places(l, upto, kind) == {k \in 1..upto : l[k].kind = kind}
Last(places) == CHOOSE k \in places \cup {0} : \A other \in places : other <= k

MembersAt(l, upto) ==
  LET joints == Places(l, upto, "joint")
      joint == Last(joints)
      before == Last(joints \ {joint})
      old == IF before = 0 THEN Founders ELSE l[before].voters
  IN  IF joint = 0 THEN [voters |-> Founders, outgoing |-> {}]
      ELSE IF Last(Places(l, upto, "leave")) > joint THEN [voters |-> l[joint].voters, outgoing |-> {}]
      ELSE [voters |-> l[joint].voters, outgoing |-> old]
Members(i) == MembersAt(log[i], commit[i])

MostOf(some, all) == 2 * Cardinality(some \cap all) > Cardinality(all)
IsQuorum(some, members) ==
  /\ MostOf(some, members.voters)
  /\ members.outgoing = {} \/ MostOf(some, members.outgoing)

(* Whoever has the end of a joint membership in its log has been told that its beginning is committed. *)
KnownCommitted(l) ==
  LET leave == Last(Places(l, Len(l), "leave")) IN Last({k \in Places(l, Len(l), "joint") : k < leave})

-----------------------------------------------------------------------------
(* What mutations replace.                                                                                                     *)

FreeToVote(i, force) == quiet[i] = 0 \/ force
FreeToGrant(i, request) == FreeToVote(i, request.force)
QuietAfterRestart == Promise
VoteAfterRestart(i) == vote[i]
MayHeartbeat(i) == term[i] \notin handed
UpToDate(request, l) == \/ request.last > LastTerm(l)
                        \/ request.last = LastTerm(l) /\ request.len >= Len(l)
ShownAtProposal(l) == shown
MayCommit(i, k) == log[i][k].term = term[i]
QuietAtNewTerm(i) == quiet[i]
Replaceable == {i \in Replicas : role[i] = "lost"}

Lost == {i \in Replicas : role[i] = "lost"}
Up(i) == role[i] # "lost"
(* Its own first entry is committed, and with it every one before. *)
Open(i) == role[i] = "leader" /\ commit[i] > 0 /\ log[i][commit[i]].term = term[i]
Leased(i) == beat[i].left > 0 /\ IsQuorum(beat[i].got, Members(i))
Serving(i) == Open(i) /\ Leased(i)

-----------------------------------------------------------------------------
NoBeat == [left |-> 0, got |-> {}]

Init ==
  /\ term = [i \in Replicas |-> 0]
  /\ vote = [i \in Replicas |-> NoOne]
  /\ log = [i \in Replicas |-> <<>>]
  /\ role = [i \in Replicas |-> "follower"]
  /\ commit = [i \in Replicas |-> 0]
  /\ quiet = [i \in Replicas |-> 0]
  /\ beat = [i \in Replicas |-> NoBeat]
  /\ asked = {} /\ ballots = {} /\ handed = {}
  /\ said = [t \in Terms |-> [log |-> <<>>, commit |-> 0]]
  /\ acked = [t \in Terms |-> [i \in Replicas |-> 0]]
  /\ shown = <<>>

(* Leader i adds an entry to its log, whence it can be sent. *)
Write(i, entry) ==
  LET t == term[i] longer == Append(log[i], entry)
  IN  /\ Len(longer) <= LenMax
      /\ log' = [log EXCEPT ![i] = longer]
      /\ said' = [said EXCEPT ![t] = [log |-> longer, commit |-> commit[i]]]
      /\ acked' = [acked EXCEPT ![t][i] = IF LateStore THEN @ ELSE Len(longer)]

(* For bounds that are about members alone: one founder was elected by all, and another has lost its disk since. *)
InitLost ==
  \E leader, gone \in Founders :
    /\ leader # gone
    /\ term = [i \in Replicas |-> IF i \in Founders THEN 1 ELSE 0]
    /\ vote = [i \in Replicas |-> IF i \in Founders THEN leader ELSE NoOne]
    /\ log = [i \in Replicas |-> IF i \in Founders THEN <<First(1)>> ELSE <<>>]
    /\ role = [i \in Replicas |-> IF i = leader THEN "leader" ELSE IF i = gone THEN "lost" ELSE "follower"]
    /\ commit = [i \in Replicas |-> IF i = leader THEN 1 ELSE 0]
    /\ quiet = [i \in Replicas |-> 0]
    /\ beat = [i \in Replicas |-> NoBeat]
    /\ asked = {[term |-> 1, from |-> leader, force |-> FALSE, last |-> 0, len |-> 0]}
    /\ ballots = {[term |-> 1, from |-> i, for |-> leader] : i \in Founders}
    /\ handed = {}
    /\ said = [t \in Terms |-> IF t = 1 THEN [log |-> <<First(1)>>, commit |-> 1] ELSE [log |-> <<>>, commit |-> 0]]
    /\ acked = [t \in Terms |-> [i \in Replicas |-> IF t = 1 /\ i \in Founders THEN 1 ELSE 0]]
    /\ shown = <<First(1)>>

(* The parts of a step that takes replica i into term t, as a follower or a candidate. *)
Enter(i, t, as, for) ==
  /\ term' = [term EXCEPT ![i] = t]
  /\ vote' = [vote EXCEPT ![i] = for]
  /\ role' = [role EXCEPT ![i] = as]
  /\ beat' = [beat EXCEPT ![i] = NoBeat]

(* By pre-vote a replica asks only after others let it; here it may ask at any time. *)
Campaign(i, force) ==
  /\ role[i] \in {"follower", "candidate"}
  /\ i \in Members(i).voters \cup Members(i).outgoing
  /\ term[i] < TermMax
  /\ FreeToVote(i, force)
  /\ force => role[i] = "follower" /\ term[i] \in handed
  /\ Enter(i, term[i] + 1, "candidate", i)
  /\ asked' = asked \cup {[term |-> term[i] + 1, from |-> i, force |-> force,
                           last |-> LastTerm(log[i]), len |-> Len(log[i])]}
  /\ ballots' = ballots \cup {[term |-> term[i] + 1, from |-> i, for |-> i]}
  /\ UNCHANGED <<log, commit, quiet, said, acked, handed, shown>>

Grant(i, request) ==
  /\ Up(i) /\ request.from # i
  /\ FreeToGrant(i, request)
  /\ \/ request.term > term[i]
     \/ request.term = term[i] /\ role[i] = "follower" /\ vote[i] \in {NoOne, request.from}
  /\ UpToDate(request, log[i])
  /\ Enter(i, request.term, "follower", request.from)
  /\ ballots' = ballots \cup {[term |-> request.term, from |-> i, for |-> request.from]}
  /\ UNCHANGED <<log, commit, quiet, asked, said, acked, handed, shown>>

(* Any message of a higher term, a refused request too, is heard. It takes no promise back. *)
Learn(i, t) ==
  /\ Up(i) /\ t > term[i] /\ \E j \in Replicas : term[j] = t
  /\ Enter(i, t, "follower", NoOne)
  /\ quiet' = [quiet EXCEPT ![i] = QuietAtNewTerm(i)]
  /\ UNCHANGED <<log, commit, words, shown>>

(* The leader's own first entry goes into its log in the same step. *)
Lead(i) ==
  /\ role[i] = "candidate"
  /\ IsQuorum({b.from : b \in {b \in ballots : b.term = term[i] /\ b.for = i}}, Members(i))
  /\ role' = [role EXCEPT ![i] = "leader"]
  /\ Write(i, First(term[i]))
  /\ UNCHANGED <<term, vote, commit, quiet, beat, asked, ballots, handed, shown>>

(* Takes the first k entries of the leader's log of term t, or what is missing of them, and that c of them are committed. *)
Receive(i, t, k, c) ==
  LET theirs == SubSeq(said[t].log, 1, k) IN
  /\ Up(i) /\ t >= term[i] /\ ~(t = term[i] /\ role[i] = "leader")
  /\ t > term[i] \/ role[i] = "candidate" \/ k > acked[t][i] \/ c > commit[i]
  /\ Enter(i, t, "follower", IF t = term[i] THEN vote[i] ELSE NoOne)
  /\ log' = [log EXCEPT ![i] = IF IsPrefix(theirs, @) THEN @ ELSE theirs]
  /\ commit' = [commit EXCEPT ![i] = Max(@, c)]
  /\ acked' = [acked EXCEPT ![t][i] = Max(@, k)]
  /\ UNCHANGED <<quiet, asked, ballots, said, handed, shown>>
(* What a message that carries the first k entries may say to be committed. *)
CommitsSaid(t, k) == {c \in 0..k : KnownCommitted(SubSeq(said[t].log, 1, k)) <= c /\ c <= said[t].commit}

(* Those who ask for votes, and those who refuse them, say how far they know the log to be committed. *)
Overhear(i, j, c) ==
  /\ VotesTell /\ Up(i) /\ role[i] # "leader"
  /\ commit[i] < c /\ c <= commit[j] /\ c <= Len(log[i]) /\ log[i][c].term = log[j][c].term
  /\ commit' = [commit EXCEPT ![i] = c]
  /\ UNCHANGED <<disk, role, quiet, beat, words, shown>>

Store(i) ==
  /\ role[i] = "leader" /\ acked[term[i]][i] < Len(log[i])
  /\ acked' = [acked EXCEPT ![term[i]][i] = Len(log[i])]
  /\ UNCHANGED <<disk, memory, asked, ballots, said, handed, shown>>

(* What is committed is published in the same step: nothing promised below becomes easier by that. *)
Commit(i, k) ==
  /\ role[i] = "leader" /\ commit[i] < k /\ k <= Len(log[i])
  /\ MayCommit(i, k)
  /\ IsQuorum({j \in Replicas : acked[term[i]][j] >= k}, Members(i))
  /\ commit' = [commit EXCEPT ![i] = k]
  /\ said' = [said EXCEPT ![term[i]].commit = k]
  /\ shown' = IF Len(shown) < k THEN SubSeq(log[i], 1, k) ELSE shown
  /\ UNCHANGED <<disk, role, quiet, beat, asked, ballots, acked, handed>>

-----------------------------------------------------------------------------
(* The lease: a heartbeat counts from when it was sent, whenever it is answered.                                               *)

Heartbeat(i) ==
  /\ role[i] = "leader" /\ Lease > 0 /\ MayHeartbeat(i)
  /\ beat' = [beat EXCEPT ![i] = [left |-> Lease, got |-> {i}]]
  /\ UNCHANGED <<disk, role, commit, quiet, words, shown>>

Answer(i, j) ==
  /\ role[i] = "leader" /\ beat[i].left > 0 /\ j \notin beat[i].got
  /\ Up(j) /\ term[j] <= term[i]
  /\ term' = [term EXCEPT ![j] = term[i]]
  /\ vote' = [vote EXCEPT ![j] = IF term[j] = term[i] THEN @ ELSE NoOne]
  /\ role' = [role EXCEPT ![j] = "follower"]
  /\ quiet' = [quiet EXCEPT ![j] = Promise]
  /\ beat' = [beat EXCEPT ![j] = NoBeat, ![i].got = @ \cup {j}]
  /\ UNCHANGED <<log, commit, words, shown>>

(* It holds no lease from here to the end of its term: the request to vote for the other may come late. *)
HandOver(i) ==
  /\ Transfers /\ role[i] = "leader" /\ term[i] \notin handed
  /\ handed' = handed \cup {term[i]}
  /\ beat' = [beat EXCEPT ![i] = NoBeat]
  /\ UNCHANGED <<disk, role, commit, quiet, asked, ballots, said, acked, shown>>

Tick ==
  /\ quiet' = [i \in Replicas |-> Max(quiet[i], 1) - 1]
  /\ beat' = [i \in Replicas |-> IF beat[i].left <= 1 THEN NoBeat ELSE [beat[i] EXCEPT !.left = @ - 1]]
  /\ UNCHANGED <<disk, role, commit, words, shown>>

-----------------------------------------------------------------------------
(* Players: one stands for all. It sends whatever it was not shown as confirmed again, to anyone and at any time.              *)

(* What the leader knows to be decided or on its way: the committed part, and what it wrote itself. *)
Known(i) == {k \in 1..Len(log[i]) : k <= commit[i] \/ log[i][k].term = term[i]}
SeqKnown(i) == LET ops == {k \in Known(i) : log[i][k].kind = "op"}
               IN  IF ops = {} THEN 0 ELSE log[i][Last(ops)].seq
MayPropose(i) == Open(i)

Propose(i) ==
  /\ role[i] = "leader" /\ MayPropose(i) /\ SeqKnown(i) < SeqMax
  /\ Write(i, Entry(term[i], "op", SeqKnown(i) + 1, {}))
  /\ shown' = ShownAtProposal(log'[i])
  /\ UNCHANGED <<term, vote, memory, asked, ballots, handed>>

-----------------------------------------------------------------------------
(* Faults. A replica that is down is one that does nothing, until it restarts.                                                 *)

(* A leader may lose entries of its own that it did not count as stored. *)
LogsAfterRestart(i) ==
  LET old == {k \in 1..Len(log[i]) : log[i][k].term < term[i]}
      kept == IF role[i] = "leader" THEN Max(acked[term[i]][i], Last(old)) ELSE Len(log[i])
  IN  {SubSeq(log[i], 1, k) : k \in kept..Len(log[i])}
CommitsAfterRestart(i, l) == {KnownCommitted(l), Min(commit[i], Len(l))}

Restart(i, l, c) ==
  /\ Up(i)
  /\ log' = [log EXCEPT ![i] = l]
  /\ vote' = [vote EXCEPT ![i] = VoteAfterRestart(i)]
  /\ commit' = [commit EXCEPT ![i] = c]
  /\ role' = [role EXCEPT ![i] = "follower"]
  /\ quiet' = [quiet EXCEPT ![i] = QuietAfterRestart]
  /\ beat' = [beat EXCEPT ![i] = NoBeat]
  /\ UNCHANGED <<term, words, shown>>

Lose(i) ==
  /\ Up(i) /\ Cardinality(Lost) < LostMax
  /\ role' = [role EXCEPT ![i] = "lost"]
  /\ beat' = [beat EXCEPT ![i] = NoBeat]
  /\ UNCHANGED <<disk, commit, quiet, words, shown>>

(* The server of a lost replica comes back under a new name, and takes the lost one's place among the voters. *)
Replace(i, gone, new) ==
  LET members == Members(i) IN
  /\ Open(i) /\ members.outgoing = {}
  /\ gone \in members.voters \cap Replaceable /\ new \notin members.voters \cup Lost
  /\ \A k \in commit[i] + 1..Len(log[i]) : log[i][k].kind \notin {"joint", "leave"}
  /\ Write(i, Entry(term[i], "joint", 0, (members.voters \ {gone}) \cup {new}))
  /\ UNCHANGED <<term, vote, memory, asked, ballots, handed, shown>>

Leave(i) ==
  /\ Open(i) /\ Members(i).outgoing # {}
  /\ \A k \in commit[i] + 1..Len(log[i]) : log[i][k].kind # "leave"
  /\ Write(i, Entry(term[i], "leave", 0, {}))
  /\ UNCHANGED <<term, vote, memory, asked, ballots, handed, shown>>

-----------------------------------------------------------------------------
Next ==
  \/ Tick
  \/ \E i \in Replicas :
       \/ Campaign(i, FALSE) \/ Campaign(i, TRUE) \/ Lead(i) \/ Store(i) \/ Heartbeat(i) \/ HandOver(i)
       \/ Propose(i) \/ Leave(i) \/ Lose(i)
       \/ \E request \in asked : Grant(i, request)
       \/ \E t \in Terms : Learn(i, t)
       \/ \E t \in Terms : \E k \in 1..Len(said[t].log) : \E c \in CommitsSaid(t, k) : Receive(i, t, k, c)
       \/ \E k \in 1..Len(log[i]) : Commit(i, k)
       \/ \E l \in LogsAfterRestart(i) : \E c \in CommitsAfterRestart(i, l) : Restart(i, l, c)
       \/ \E j \in Replicas : Answer(i, j) \/ (\E c \in 1..commit[j] : Overhear(i, j, c)) \/ (\E gone \in Replaceable : Replace(i, gone, j))
Spec == Init /\ [][Next]_vars

(* Founders have no rank here, so their names may be exchanged. *)
Symmetry == Permutations(Founders)

(* Without what no replica can hear or use any more. *)
Heard(t) == \E i \in Replicas \ Lost : term[i] <= t
Runs(t, as) == \E i \in Replicas : role[i] = as /\ term[i] = t
View == <<disk, memory, handed, shown,
  {request \in asked : Heard(request.term)},
  {b \in ballots : Runs(b.term, "candidate")},
  [t \in Terms |-> IF Heard(t) THEN said[t] ELSE 0],
  [t \in Terms |-> IF Runs(t, "leader") THEN acked[t] ELSE 0]>>

-----------------------------------------------------------------------------
(* What is promised.                                                                                                           *)

Committed(i) == SubSeq(log[i], 1, commit[i])

OneLeaderPerTerm ==
  \A i, j \in Replicas : role[i] = "leader" /\ role[j] = "leader" /\ term[i] = term[j] => i = j

(* All that is committed, and all that was shown, is one history. *)
OneHistory ==
  /\ \A i, j \in Replicas : Agree(Committed(i), Committed(j))
  /\ \A i \in Replicas : Agree(Committed(i), shown)

(* Whoever could be elected, by any quorum of those that are left, has everything that was shown. *)
NewerOrSame(a, b) == LastTerm(a) > LastTerm(b) \/ (LastTerm(a) = LastTerm(b) /\ Len(a) >= Len(b))
NeverLostNorEarly ==
  \A i \in Replicas \ Lost :
    IsQuorum({j \in Replicas \ Lost : NewerOrSame(log[i], log[j])}, Members(i)) => IsPrefix(shown, log[i])

OneServes == \A i, j \in Replicas : Serving(i) /\ Serving(j) => i = j

(* Whoever serves knows of everything that anyone was shown. *)
NoStaleRead == \A i \in Replicas : Serving(i) => commit[i] >= Len(shown)

(* Each operation has one place at most, after the one before it. *)
Ops(l) == SelectSeq(l, LAMBDA entry : entry.kind = "op")
ExactlyOnce ==
  \A i \in Replicas : LET ops == Ops(Committed(i)) IN \A k \in 1..Len(ops) : ops[k].seq = k
=============================================================================
