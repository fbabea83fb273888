; A robot pushes boxes to their places.
(define (domain sokoban)
  (:requirements :typing)
  (:types location direction box)
  (:predicates (adjacent ?from ?to - location ?d - direction) (at-robot ?l - location)
               (at ?b - box ?l - location) (clear ?l - location))
  (:action move
    :parameters (?from ?to - location ?d - direction)
    :precondition (and (at-robot ?from) (clear ?to) (adjacent ?from ?to ?d))
    :effect (and (not (at-robot ?from)) (at-robot ?to)))
  (:action push
    :parameters (?robot ?from ?to - location ?d - direction ?b - box)
    :precondition (and (at-robot ?robot) (at ?b ?from) (clear ?to) (adjacent ?robot ?from ?d)
                       (adjacent ?from ?to ?d))
    :effect (and (not (at-robot ?robot)) (at-robot ?from) (not (at ?b ?from)) (at ?b ?to)
                 (clear ?from) (not (clear ?to)))))
