; A lift takes passengers to their floors.
(define (domain miconic)
  (:requirements :strips :typing)
  (:types passenger floor)
  (:predicates (above ?lower ?upper - floor) (lift-at ?f - floor)
               (origin ?p - passenger ?f - floor) (destin ?p - passenger ?f - floor)
               (boarded ?p - passenger) (served ?p - passenger))
  (:action board
    :parameters (?f - floor ?p - passenger)
    :precondition (and (lift-at ?f) (origin ?p ?f))
    :effect (and (not (origin ?p ?f)) (boarded ?p)))
  (:action depart
    :parameters (?f - floor ?p - passenger)
    :precondition (and (lift-at ?f) (destin ?p ?f) (boarded ?p))
    :effect (and (not (boarded ?p)) (served ?p)))
  (:action up
    :parameters (?from ?to - floor)
    :precondition (and (lift-at ?from) (above ?from ?to))
    :effect (and (not (lift-at ?from)) (lift-at ?to)))
  (:action down
    :parameters (?from ?to - floor)
    :precondition (and (lift-at ?from) (above ?to ?from))
    :effect (and (not (lift-at ?from)) (lift-at ?to))))
