----------------------------- MODULE HlcMutants -----------------------------
(* What Hlc would be with one thing wrong in it, each of which some invariant must find.                                       *)
EXTENDS Hlc

WallAlone(n) == wall[n] * Logical
AcceptAll(n, stamp) == TRUE
LeadWithOwnClock(n) == latest[n]
=============================================================================
