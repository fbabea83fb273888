"""Planning tasks for tests: small ones, with every feature of the language in one of them."""

from __future__ import annotations

import heapq
import random

import numpy as np

from tesuji.domains.logistics.pddl.successors import applicable, apply, make_steps, reaches_goal
from tesuji.engine.planning import GroundTask

TRUCKS = """
(define (domain trucks)
  (:requirements :strips :typing :negative-preconditions :action-costs :conditional-effects)
  (:types place thing - object truck parcel - thing)
  (:predicates (at ?t - thing ?p - place) (in ?p - parcel ?t - truck) (road ?a ?b - place)
               (broken ?t - truck) (wet ?p - place) (soaked ?p - parcel))
  (:functions (total-cost) - number (length ?a ?b - place) - number)
  (:action drive
    :parameters (?t - truck ?a ?b - place)
    :precondition (and (at ?t ?a) (road ?a ?b) (not (broken ?t)) (not (= ?a ?b)))
    :effect (and (not (at ?t ?a)) (at ?t ?b) (increase (total-cost) (length ?a ?b))
                 (forall (?p - parcel) (when (and (in ?p ?t) (wet ?b)) (soaked ?p)))))
  (:action load
    :parameters (?p - parcel ?t - truck ?a - place)
    :precondition (and (at ?t ?a) (at ?p ?a))
    :effect (and (not (at ?p ?a)) (in ?p ?t) (increase (total-cost) 1)))
  (:action unload
    :parameters (?p - parcel ?t - truck ?a - place)
    :precondition (and (at ?t ?a) (in ?p ?t) (or (not (soaked ?p)) (wet ?a)))
    :effect (and (at ?p ?a) (not (in ?p ?t)) (increase (total-cost) 1)))
  (:action dry
    :parameters (?p - parcel)
    :precondition (and (soaked ?p) (exists (?a - place) (and (at ?p ?a) (wet ?a))))
    :effect (and (not (soaked ?p)) (increase (total-cost) 2)))
  (:action repair
    :parameters (?t - truck)
    :precondition (broken ?t)
    :effect (and (not (broken ?t)) (increase (total-cost) 3))))
"""


def trucks(seed: int, places: int = 4, parcels: int = 2) -> str:
    """Return a problem of `TRUCKS`: a ring of places, two trucks, parcels to be moved."""
    rng = random.Random(seed)
    names = [f"p{i}" for i in range(places)]
    facts = []
    for i, name in enumerate(names):
        other = names[(i + 1) % places]
        for a, b in ((name, other), (other, name)):
            facts += [f"(road {a} {b})", f"(= (length {a} {b}) {rng.randint(1, 4)})"]
    facts += [f"(at t{i} {rng.choice(names)})" for i in range(2)]
    facts += [f"(at c{i} {rng.choice(names)})" for i in range(parcels)]
    facts += [f"(wet {name})" for name in names if rng.random() < 0.3]
    facts += ["(broken t0)"] * (rng.random() < 0.5)
    goals = " ".join(f"(at c{i} {rng.choice(names)}) (not (soaked c{i}))" for i in range(parcels))
    cargo = " ".join(f"c{i}" for i in range(parcels))
    return f"""
(define (problem ring) (:domain trucks)
  (:objects {" ".join(names)} - place t0 t1 - truck {cargo} - parcel)
  (:init {" ".join(facts)} (= (total-cost) 0))
  (:goal (and {goals}))
  (:metric minimize (total-cost)))
"""


DRIVERS = """
(define (domain drivers) (:requirements :typing) (:types driver truck parcel place)
  (:predicates (on ?d - driver ?a - place) (driving ?d - driver ?t - truck) (empty ?t - truck)
    (here ?t - truck ?a - place) (at ?p - parcel ?a - place) (in ?p - parcel ?t - truck)
    (path ?a ?b - place))
  (:action walk :parameters (?d - driver ?a ?b - place)
    :precondition (and (on ?d ?a) (path ?a ?b)) :effect (and (on ?d ?b) (not (on ?d ?a))))
  (:action board :parameters (?d - driver ?t - truck ?a - place)
    :precondition (and (on ?d ?a) (here ?t ?a) (empty ?t))
    :effect (and (driving ?d ?t) (not (on ?d ?a)) (not (empty ?t))))
  (:action leave :parameters (?d - driver ?t - truck ?a - place)
    :precondition (and (driving ?d ?t) (here ?t ?a))
    :effect (and (on ?d ?a) (empty ?t) (not (driving ?d ?t))))
  (:action drive :parameters (?d - driver ?t - truck ?a ?b - place)
    :precondition (and (driving ?d ?t) (here ?t ?a) (path ?b ?a))
    :effect (and (here ?t ?b) (not (here ?t ?a))))
  (:action load :parameters (?p - parcel ?t - truck ?a - place)
    :precondition (and (here ?t ?a) (at ?p ?a)) :effect (and (in ?p ?t) (not (at ?p ?a))))
  (:action unload :parameters (?p - parcel ?t - truck ?a - place)
    :precondition (and (here ?t ?a) (in ?p ?t)) :effect (and (at ?p ?a) (not (in ?p ?t)))))
"""


def drivers(seed: int) -> str:
    """Return a problem of `DRIVERS`: two drivers, trucks and parcels, three places in a row."""
    rng = random.Random(seed)
    kinds = {"on": "de", "here": "tu", "at": "bc"}
    where = {thing: f"({kind} {thing}" for kind, things in kinds.items() for thing in things}
    facts = [f"{words} {rng.choice('xyz')})" for words in where.values()]
    goals = [f"{where[thing]} {rng.choice('xyz')})" for thing in "bcdtu"]
    return f"""
(define (problem row) (:domain drivers)
  (:objects d e - driver t u - truck b c - parcel x y z - place)
  (:init {" ".join(facts)} (empty t) (empty u) (path x y) (path y x) (path y z) (path z y))
  (:goal (and {" ".join(goals)})))
"""


def cheapest(task: GroundTask) -> float | None:
    """The least cost by uniform-cost search over all states, in plain Python."""
    steps = make_steps(task.variables)
    out = np.zeros(len(task.variables.cost), np.int32)
    stack = np.zeros(len(steps.switches.own), np.int32)
    queue = [(0.0, tuple(task.variables.init.tolist()))]
    seen: set[tuple[int, ...]] = set()
    while queue:
        cost, state = heapq.heappop(queue)
        if state in seen:
            continue
        seen.add(state)
        values = np.array(state, np.int32)
        if reaches_goal(steps, values):
            return cost
        for op in out[: applicable(steps, values, out, stack)].tolist():
            after = np.zeros_like(values)
            apply(steps, op, values, after)
            heapq.heappush(queue, (cost + float(task.variables.cost[op]), tuple(after.tolist())))
    return None
