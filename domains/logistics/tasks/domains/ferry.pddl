; A ferry takes one car at a time between locations.
(define (domain ferry)
  (:requirements :strips :typing :negative-preconditions)
  (:types car location)
  (:predicates (at-ferry ?l - location) (at ?c - car ?l - location) (on ?c - car) (empty-ferry))
  (:action sail
    :parameters (?from ?to - location)
    :precondition (and (at-ferry ?from) (not (at-ferry ?to)))
    :effect (and (not (at-ferry ?from)) (at-ferry ?to)))
  (:action board
    :parameters (?car - car ?loc - location)
    :precondition (and (empty-ferry) (at-ferry ?loc) (at ?car ?loc))
    :effect (and (not (empty-ferry)) (not (at ?car ?loc)) (on ?car)))
  (:action debark
    :parameters (?car - car ?loc - location)
    :precondition (and (on ?car) (at-ferry ?loc))
    :effect (and (not (on ?car)) (at ?car ?loc) (empty-ferry))))
