---------------------------- MODULE RoundsMutants ----------------------------
(* What Rounds would be with one thing wrong in it, each of which some invariant must find.                                    *)
EXTENDS Rounds

AllFollowers == Cardinality(Followers)
WaitForFullRound(all, onTheWay) == all - onTheWay >= RoundMax
=============================================================================
