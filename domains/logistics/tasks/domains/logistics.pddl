; Trucks carry packages within cities, airplanes between airports.
(define (domain logistics)
  (:requirements :strips :typing)
  (:types city place thing - object
          airport location - place
          package vehicle - thing
          truck airplane - vehicle)
  (:predicates (in-city ?p - place ?c - city) (at ?t - thing ?p - place)
               (in ?p - package ?v - vehicle))
  (:action load-truck
    :parameters (?p - package ?v - truck ?l - place)
    :precondition (and (at ?v ?l) (at ?p ?l))
    :effect (and (not (at ?p ?l)) (in ?p ?v)))
  (:action unload-truck
    :parameters (?p - package ?v - truck ?l - place)
    :precondition (and (at ?v ?l) (in ?p ?v))
    :effect (and (not (in ?p ?v)) (at ?p ?l)))
  (:action drive-truck
    :parameters (?v - truck ?from ?to - place ?c - city)
    :precondition (and (at ?v ?from) (in-city ?from ?c) (in-city ?to ?c))
    :effect (and (not (at ?v ?from)) (at ?v ?to)))
  (:action load-airplane
    :parameters (?p - package ?v - airplane ?l - airport)
    :precondition (and (at ?v ?l) (at ?p ?l))
    :effect (and (not (at ?p ?l)) (in ?p ?v)))
  (:action unload-airplane
    :parameters (?p - package ?v - airplane ?l - airport)
    :precondition (and (at ?v ?l) (in ?p ?v))
    :effect (and (not (in ?p ?v)) (at ?p ?l)))
  (:action fly-airplane
    :parameters (?v - airplane ?from ?to - airport)
    :precondition (at ?v ?from)
    :effect (and (not (at ?v ?from)) (at ?v ?to))))
