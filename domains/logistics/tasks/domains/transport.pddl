; Vehicles of different capacities carry packages along roads.
(define (domain transport)
  (:requirements :typing)
  (:types size location locatable - object
          vehicle package - locatable)
  (:predicates (road ?from ?to - location) (at ?x - locatable ?l - location)
               (in ?p - package ?v - vehicle) (capacity ?v - vehicle ?s - size)
               (capacity-predecessor ?less ?more - size))
  (:action drive
    :parameters (?v - vehicle ?from ?to - location)
    :precondition (and (at ?v ?from) (road ?from ?to))
    :effect (and (not (at ?v ?from)) (at ?v ?to)))
  (:action pick-up
    :parameters (?v - vehicle ?l - location ?p - package ?less ?more - size)
    :precondition (and (at ?v ?l) (at ?p ?l) (capacity-predecessor ?less ?more)
                       (capacity ?v ?more))
    :effect (and (not (at ?p ?l)) (in ?p ?v) (not (capacity ?v ?more)) (capacity ?v ?less)))
  (:action drop
    :parameters (?v - vehicle ?l - location ?p - package ?less ?more - size)
    :precondition (and (at ?v ?l) (in ?p ?v) (capacity-predecessor ?less ?more)
                       (capacity ?v ?less))
    :effect (and (not (in ?p ?v)) (at ?p ?l) (not (capacity ?v ?less)) (capacity ?v ?more))))
