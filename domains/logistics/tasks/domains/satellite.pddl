; Satellites turn, calibrate their instruments and take images.
(define (domain satellite)
  (:requirements :strips :typing :negative-preconditions)
  (:types satellite direction instrument mode)
  (:predicates
    (on_board ?i - instrument ?s - satellite) (supports ?i - instrument ?m - mode)
    (calibration_target ?i - instrument ?d - direction) (pointing ?s - satellite ?d - direction)
    (power_avail ?s - satellite) (power_on ?i - instrument) (calibrated ?i - instrument)
    (have_image ?d - direction ?m - mode))
  (:action turn_to
    :parameters (?s - satellite ?to ?from - direction)
    :precondition (and (pointing ?s ?from) (not (pointing ?s ?to)))
    :effect (and (not (pointing ?s ?from)) (pointing ?s ?to)))
  (:action switch_on
    :parameters (?i - instrument ?s - satellite)
    :precondition (and (on_board ?i ?s) (power_avail ?s))
    :effect (and (not (power_avail ?s)) (not (calibrated ?i)) (power_on ?i)))
  (:action switch_off
    :parameters (?i - instrument ?s - satellite)
    :precondition (and (on_board ?i ?s) (power_on ?i))
    :effect (and (not (power_on ?i)) (power_avail ?s)))
  (:action calibrate
    :parameters (?s - satellite ?i - instrument ?d - direction)
    :precondition (and (on_board ?i ?s) (calibration_target ?i ?d) (pointing ?s ?d) (power_on ?i))
    :effect (calibrated ?i))
  (:action take_image
    :parameters (?s - satellite ?d - direction ?i - instrument ?m - mode)
    :precondition (and (on_board ?i ?s) (supports ?i ?m) (pointing ?s ?d) (power_on ?i)
                       (calibrated ?i))
    :effect (have_image ?d ?m)))
