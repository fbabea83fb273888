; Sandwiches are made in the kitchen, put on trays and served to waiting children.
(define (domain childsnack)
  (:requirements :typing :negative-preconditions)
  (:types child bread-portion content-portion sandwich tray place)
  (:constants kitchen - place)
  (:predicates
    (allergic_gluten ?c - child) (not_allergic_gluten ?c - child)
    (waiting ?c - child ?p - place) (served ?c - child)
    (at_kitchen_bread ?b - bread-portion) (no_gluten_bread ?b - bread-portion)
    (at_kitchen_content ?c - content-portion) (no_gluten_content ?c - content-portion)
    (notexist ?s - sandwich) (at_kitchen_sandwich ?s - sandwich)
    (no_gluten_sandwich ?s - sandwich) (ontray ?s - sandwich ?t - tray)
    (at ?t - tray ?p - place))
  (:action make_sandwich
    :parameters (?s - sandwich ?b - bread-portion ?c - content-portion)
    :precondition (and (notexist ?s) (at_kitchen_bread ?b) (at_kitchen_content ?c))
    :effect (and (not (notexist ?s)) (not (at_kitchen_bread ?b)) (not (at_kitchen_content ?c))
                 (at_kitchen_sandwich ?s)))
  (:action make_sandwich_no_gluten
    :parameters (?s - sandwich ?b - bread-portion ?c - content-portion)
    :precondition (and (notexist ?s) (at_kitchen_bread ?b) (no_gluten_bread ?b)
                       (at_kitchen_content ?c) (no_gluten_content ?c))
    :effect (and (not (notexist ?s)) (not (at_kitchen_bread ?b)) (not (at_kitchen_content ?c))
                 (at_kitchen_sandwich ?s) (no_gluten_sandwich ?s)))
  (:action put_on_tray
    :parameters (?s - sandwich ?t - tray)
    :precondition (and (at ?t kitchen) (at_kitchen_sandwich ?s))
    :effect (and (not (at_kitchen_sandwich ?s)) (ontray ?s ?t)))
  (:action move_tray
    :parameters (?t - tray ?from ?to - place)
    :precondition (and (at ?t ?from) (not (at ?t ?to)))
    :effect (and (not (at ?t ?from)) (at ?t ?to)))
  (:action serve_sandwich
    :parameters (?s - sandwich ?c - child ?t - tray ?p - place)
    :precondition (and (waiting ?c ?p) (not_allergic_gluten ?c) (at ?t ?p) (ontray ?s ?t))
    :effect (and (not (ontray ?s ?t)) (served ?c)))
  (:action serve_sandwich_no_gluten
    :parameters (?s - sandwich ?c - child ?t - tray ?p - place)
    :precondition (and (waiting ?c ?p) (allergic_gluten ?c) (at ?t ?p) (ontray ?s ?t)
                       (no_gluten_sandwich ?s))
    :effect (and (not (ontray ?s ?t)) (served ?c))))
