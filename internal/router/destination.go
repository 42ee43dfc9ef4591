package router

import (
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/routecontext"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/routing"
)

// destination is which part a server must play that a call goes to, and why.
type destination struct {
	role   dialect.ServerRole
	reason routing.Reason
	detail string
}

// destinationOf tells where a call belongs, whatever the servers are like.
func (r *Router) destinationOf(o routecontext.Says, c *middleware.Call) destination {
	switch {
	case r.Policy.Mode == policy.RoutePrimary:
		return destination{dialect.RolePrimary, routing.ReasonMode, "pool_routing=primary"}
	case r.Policy.Mode == policy.RouteReplica:
		return destination{dialect.RoleReplica, routing.ReasonMode, "pool_routing=replica"}
	case o.Role != dialect.RoleUnknown && c.Op != middleware.Ping:
		return destination{o.Role, routing.ReasonContext, ""}
	}
	switch c.Op {
	case middleware.Exec, middleware.Query, middleware.Prepare:
		return r.textDestination(c.Text)
	case middleware.Begin:
		switch {
		case !c.TxOptions.ReadOnly:
			return destination{dialect.RolePrimary, routing.ReasonTx, "a read-write transaction"}
		case c.TxOptions.Isolation >= serializable:
			return destination{dialect.RolePrimary, routing.ReasonTx, "a replica cannot make it serializable"}
		default:
			return r.read("a read-only transaction")
		}
	default:
		return destination{dialect.RolePrimary, routing.ReasonNoStatement, c.Op.String()}
	}
}

// serializable is sql.LevelSerializable, as a driver sees it.
const serializable = 6

// textDestination tells where a statement belongs.
func (r *Router) textDestination(text string) destination {
	s := r.statement(text)
	switch {
	case s.Hint != dialect.RoleUnknown:
		return destination{s.Hint, routing.ReasonComment, ""}
	case !s.Replicable():
		return destination{dialect.RolePrimary, routing.ReasonWrite, s.Why}
	}
	if r.wasRefused(text) {
		return destination{dialect.RolePrimary, routing.ReasonRefused, "a replica has refused it before"}
	}
	return r.read("")
}

// wasRefused reports whether a replica has refused a text as a write.
func (r *Router) wasRefused(text string) bool {
	if !r.anyRefused.Load() {
		return false
	}
	_, refused := r.refused.Get(text)
	return refused
}

// read is where reads belong.
func (r *Router) read(detail string) destination {
	if r.Policy.Consistency == policy.ConsistencyStrong {
		return destination{dialect.RolePrimary, routing.ReasonMode, "pool_consistency=strong"}
	}
	return destination{dialect.RoleReplica, routing.ReasonRead, detail}
}

// statement reads a text. The catalogue that it is judged by is the primary's: replicas have what it was before.
func (r *Router) statement(text string) *dialect.Statement {
	v := r.view.Load()
	s := v.judge.Dialect.Sessions.Statement(text)
	if s.Provisional && !s.AwaitsBaseline && v.judge == v.primary && v.judge.Dialect.Sessions.Known() {
		r.learnNow(v.judge, text)
		s = v.judge.Dialect.Sessions.Statement(text)
	}
	return s
}

// Explain tells where a statement would go now, outside a transaction and without a session.
func (r *Router) Explain(text string) routing.Decision {
	b := r.destinationOf(routecontext.Says{}, &middleware.Call{Op: middleware.Query, Text: text})
	if b.role == dialect.RoleReplica {
		if m := r.choose(routecontext.Says{}, 0); m != nil {
			return decision(m, b)
		}
		b = destination{dialect.RolePrimary, routing.ReasonFallback, r.whyNone(routecontext.Says{})}
	}
	return decision(r.view.Load().primary, b)
}

// decision is that a call goes to m; nil: to nobody.
func decision(m *member, b destination) routing.Decision {
	d := routing.Decision{Role: b.role, Reason: b.reason, Detail: b.detail}
	if m != nil {
		d.Endpoint = m.Info.Name
	}
	return d
}
