; Robots paint the tiles above or below them and may not step on painted ones.
(define (domain floortile)
  (:requirements :typing)
  (:types robot tile color)
  (:predicates
    (robot-at ?r - robot ?x - tile) (robot-has ?r - robot ?c - color) (clear ?x - tile)
    (up ?x ?y - tile) (right ?x ?y - tile) (painted ?x - tile ?c - color)
    (available-color ?c - color))
  (:action change-color
    :parameters (?r - robot ?c ?new - color)
    :precondition (and (robot-has ?r ?c) (available-color ?new))
    :effect (and (not (robot-has ?r ?c)) (robot-has ?r ?new)))
  (:action paint-up
    :parameters (?r - robot ?y ?x - tile ?c - color)
    :precondition (and (robot-has ?r ?c) (robot-at ?r ?x) (up ?y ?x) (clear ?y))
    :effect (and (not (clear ?y)) (painted ?y ?c)))
  (:action paint-down
    :parameters (?r - robot ?y ?x - tile ?c - color)
    :precondition (and (robot-has ?r ?c) (robot-at ?r ?x) (up ?x ?y) (clear ?y))
    :effect (and (not (clear ?y)) (painted ?y ?c)))
  (:action up
    :parameters (?r - robot ?x ?y - tile)
    :precondition (and (robot-at ?r ?x) (up ?y ?x) (clear ?y))
    :effect (and (not (robot-at ?r ?x)) (clear ?x) (robot-at ?r ?y) (not (clear ?y))))
  (:action down
    :parameters (?r - robot ?x ?y - tile)
    :precondition (and (robot-at ?r ?x) (up ?x ?y) (clear ?y))
    :effect (and (not (robot-at ?r ?x)) (clear ?x) (robot-at ?r ?y) (not (clear ?y))))
  (:action right
    :parameters (?r - robot ?x ?y - tile)
    :precondition (and (robot-at ?r ?x) (right ?y ?x) (clear ?y))
    :effect (and (not (robot-at ?r ?x)) (clear ?x) (robot-at ?r ?y) (not (clear ?y))))
  (:action left
    :parameters (?r - robot ?x ?y - tile)
    :precondition (and (robot-at ?r ?x) (right ?x ?y) (clear ?y))
    :effect (and (not (robot-at ?r ?x)) (clear ?x) (robot-at ?r ?y) (not (clear ?y)))))
