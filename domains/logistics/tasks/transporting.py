"""Random problems in which something is carried from place to place."""

from __future__ import annotations

import itertools

from tesuji.domains.logistics.tasks.problem import (
    Rng,
    numbered,
    pick,
    random_tree,
    shuffled,
    write_problem,
)


def transport(rng: Rng, vehicles: int, packages: int, locations: int, capacity: int) -> str:
    """Return a transport problem on a random connected road map."""
    places, trucks = numbered("l", max(2, locations)), numbered("v", vehicles)
    cargo, sizes = numbered("p", packages), [f"c{i}" for i in range(capacity + 1)]
    init = [f"capacity-predecessor {a} {b}" for a, b in itertools.pairwise(sizes)]
    for a, b in random_tree(rng, places, len(places) // 2):
        init += [f"road {a} {b}", f"road {b} {a}"]
    for truck in trucks:
        init += [f"at {truck} {pick(rng, places)}"]
        init += [f"capacity {truck} {pick(rng, sizes[1:])}"]
    goal = []
    for package in cargo:
        here, there = shuffled(rng, places)[:2]
        init.append(f"at {package} {here}")
        goal.append(f"at {package} {there}")
    objects = {"vehicle": trucks, "package": cargo, "location": places, "size": sizes}
    return write_problem("transport", objects, init, goal)


def logistics(rng: Rng, cities: int, places: int, airplanes: int, packages: int) -> str:
    """Return a logistics problem: `places` a city besides its airport, and one truck each."""
    towns, planes = numbered("city", cities), numbered("plane", airplanes)
    airports = [f"airport{i}" for i in range(1, cities + 1)]
    sites = [f"site{i}-{k}" for i in range(1, cities + 1) for k in range(1, places + 1)]
    trucks, cargo = numbered("truck", cities), numbered("package", packages)
    init, stops = [], []
    for i, (town, airport, truck) in enumerate(zip(towns, airports, trucks, strict=True)):
        own = [airport, *sites[i * places : (i + 1) * places]]
        stops += own
        init += [f"in-city {stop} {town}" for stop in own]
        init.append(f"at {truck} {pick(rng, own)}")
    init += [f"at {plane} {pick(rng, airports)}" for plane in planes]
    goal = []
    for package in cargo:
        here, there = shuffled(rng, stops)[:2]
        init.append(f"at {package} {here}")
        goal.append(f"at {package} {there}")
    objects = {
        "city": towns, "airport": airports, "location": sites, "truck": trucks,
        "airplane": planes, "package": cargo,
    }  # fmt: skip
    return write_problem("logistics", objects, init, goal)


def ferry(rng: Rng, cars: int, locations: int) -> str:
    """Return a ferry problem."""
    places, all_cars = numbered("loc", max(2, locations)), numbered("car", cars)
    init = ["empty-ferry", f"at-ferry {pick(rng, places)}"]
    goal = []
    for car in all_cars:
        here, there = shuffled(rng, places)[:2]
        init.append(f"at {car} {here}")
        goal.append(f"at {car} {there}")
    return write_problem("ferry", {"car": all_cars, "location": places}, init, goal)


def miconic(rng: Rng, passengers: int, floors: int) -> str:
    """Return a problem of a lift."""
    levels, people = numbered("f", max(2, floors)), numbered("p", passengers)
    init = [f"above {low} {high}" for i, low in enumerate(levels) for high in levels[i + 1 :]]
    init.append(f"lift-at {pick(rng, levels)}")
    for person in people:
        here, there = shuffled(rng, levels)[:2]
        init += [f"origin {person} {here}", f"destin {person} {there}"]
    goal = [f"served {person}" for person in people]
    return write_problem("miconic", {"passenger": people, "floor": levels}, init, goal)


def childsnack(rng: Rng, children: int, allergic: int, trays: int, tables: int) -> str:
    """Return a childsnack problem with one sandwich to spare."""
    places, guests = numbered("table", tables), numbered("child", children)
    plates, sandwiches = numbered("tray", trays), numbered("sandw", children + 1)
    bread, content = numbered("bread", children), numbered("content", children)
    strict = min(allergic, children)
    init = [f"at {tray} kitchen" for tray in plates]
    init += [f"at_kitchen_bread {item}" for item in bread]
    init += [f"at_kitchen_content {item}" for item in content]
    init += [f"no_gluten_bread {item}" for item in shuffled(rng, bread)[:strict]]
    init += [f"no_gluten_content {item}" for item in shuffled(rng, content)[:strict]]
    init += [f"notexist {item}" for item in sandwiches]
    for i, child in enumerate(shuffled(rng, guests)):
        init.append(f"{'' if i < strict else 'not_'}allergic_gluten {child}")
        init.append(f"waiting {child} {pick(rng, places)}")
    objects = {
        "child": guests, "tray": plates, "sandwich": sandwiches, "bread-portion": bread,
        "content-portion": content, "place": places,
    }  # fmt: skip
    return write_problem("childsnack", objects, init, [f"served {child}" for child in guests])
