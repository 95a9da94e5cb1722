"""Whether a request can take the short way; and what those on it share."""

from __future__ import annotations

import logging

from appliance.proxy.asgi import new_id
from appliance.proxy.deps import ProxyDeps
from appliance.proxy.direct.course import Course, course_of
from appliance.proxy.direct.errand import Errand
from appliance.proxy.direct.heading import Heading
from appliance.proxy.direct.line import LONGEST_BODY, Line
from appliance.proxy.direct.opening import Opening, opening_of
from appliance.proxy.errors import ApiError, internal_error
from appliance.proxy.forward import JSON, Call
from appliance.proxy.links import may_link
from appliance.proxy.marking import refers_to_objects
from appliance.proxy.peek import Peeked, peek_json
from appliance.proxy.relay import Relay, Resumed
from appliance.proxy.wire.head import Head
from appliance.routing.table import AUTO, RoutingTable

log = logging.getLogger("meshbox.proxy")

MIB = 1 << 20
MOST_COURSES = 256  # a model has many names


class DirectWay:
    def __init__(self, deps: ProxyDeps, relay: Relay) -> None:
        self._deps, self.relay, self.meter = deps, relay, deps.meter
        self._table: RoutingTable | None = None
        self._courses: dict[tuple[str | None, str], Course] = {}
        self._headings: dict[bytes, Heading] = {}  # by the first lines of what the engine is asked

    def opening(self, head: Head, text: bytes) -> Opening | None:
        return opening_of(head, text)

    def send(self, line: Line, opening: Opening, body: bytes) -> Errand | None:
        target = opening.target
        peeked = self._plain(body)
        if peeked is None:
            return None
        own_id = opening.given_id or new_id()
        ticket = self.meter.begin(target.path, own_id.decode("ascii"), line.address)
        call = Call(target, own_id, ticket, peeked, body, JSON, size=len(body), batch=peeked.batch)
        errand = Errand(self, line, opening, call)
        try:
            call.permit = self._deps.gate.admit(opening.scope, ticket)
            self.meter.let_in(ticket, call.permit.id)
            course = self._course(call)
            if course is None or not self._sets_off(errand, call, course):
                errand.go_on(Resumed())
        except ApiError as error:
            errand.go_on(Resumed(error=error))
        except Exception:  # the border of a request: it ends, the box goes on
            log.exception("request %s failed", ticket.id)
            errand.go_on(Resumed(error=internal_error()))
        return errand

    def _plain(self, body: bytes) -> Peeked | None:
        """What it asks for, when nothing has to be done for it but to pass it on."""
        try:
            peeked = None if self._deps.stopping.is_set() or self._needs_care(body) else peek_json(body)
        except Exception:  # noqa: BLE001 - the border of a request: it fails again on the long way, which tells it, after what has to be told first
            return None
        return None if peeked is None or peeked.model is None or peeked.model == AUTO else peeked

    def _needs_care(self, body: bytes) -> bool:
        settings, objects, size = self._deps.settings().api, self._deps.objects, len(body)
        return (
            size > LONGEST_BODY
            or size > settings.max_body_mib * MIB
            or (objects is not None and refers_to_objects(body))
            or (not settings.fetch_links and may_link(body))
        )

    def _course(self, call: Call) -> Course | None:
        """Decided once for each name, as long as the table is the same. Raises ApiError."""
        table, name = self._deps.routes(), call.peeked.model
        if table is not self._table:
            self._table, self._courses = table, {}
        whole = call.permit.narrowed(table, name) is table and not call.peeked.facts.senses
        if whole and (course := self._courses.get((name, call.target.path))) is not None:
            call.ticket.model, call.ticket.route, call.why = course.route.model, course.route.kind, course.why
            return course
        route = self.relay.route(call)
        course = course_of(route, call.why, call.target, self._deps.node().id)
        if course is not None:
            course.heading = self._headings.get(course.asking)
        if whole and course is not None:
            if len(self._courses) >= MOST_COURSES:
                self._courses.clear()
            self._courses[name, call.target.path] = course
        return course

    def learn(self, course: Course, heading: Heading) -> None:
        """How the engine's answers begin: it stays so when the table changes."""
        if len(self._headings) >= MOST_COURSES:
            self._headings.clear()
        course.heading = self._headings[course.asking] = heading

    def _sets_off(self, errand: Errand, call: Call, course: Course) -> bool:
        """When a place is free, and a connection: nothing has been done when not."""
        places = course.places
        if places is not None and not self._deps.lines.free(course.route.model, places):
            return False
        connection = self.relay.pool.idle_one(course.endpoint)
        if connection is None:
            return False
        if places is not None:
            self.relay.usher.enter(call, course.route.model, places)
        errand.start(connection, course)
        return True
