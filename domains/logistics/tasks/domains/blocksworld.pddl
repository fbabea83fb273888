; One arm rearranges towers of blocks.
(define (domain blocksworld)
  (:requirements :strips)
  (:predicates (on ?upper ?lower) (on-table ?block) (clear ?block) (holding ?block) (arm-empty))
  (:action pickup
    :parameters (?block)
    :precondition (and (arm-empty) (on-table ?block) (clear ?block))
    :effect (and (not (arm-empty)) (not (on-table ?block)) (not (clear ?block)) (holding ?block)))
  (:action putdown
    :parameters (?block)
    :precondition (holding ?block)
    :effect (and (not (holding ?block)) (on-table ?block) (clear ?block) (arm-empty)))
  (:action stack
    :parameters (?upper ?lower)
    :precondition (and (holding ?upper) (clear ?lower))
    :effect (and (not (holding ?upper)) (not (clear ?lower)) (on ?upper ?lower) (clear ?upper)
                 (arm-empty)))
  (:action unstack
    :parameters (?upper ?lower)
    :precondition (and (arm-empty) (clear ?upper) (on ?upper ?lower))
    :effect (and (not (arm-empty)) (not (clear ?upper)) (not (on ?upper ?lower)) (clear ?lower)
                 (holding ?upper))))
