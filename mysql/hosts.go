package mysql

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/gopooled/pooled/dialect"
)

var _ dialect.Cluster = Dialect{}

// Hosts returns the one address of a DSN.
func (Dialect) Hosts(dsn string) ([]string, error) {
	cfg, err := clusterConfig(dsn)
	if err != nil {
		return nil, err
	}
	return []string{cfg.Addr}, nil
}

// At writes another address between the parentheses, and leaves every other byte as it is.
func (Dialect) At(dsn, address string) (string, error) {
	cfg, err := clusterConfig(dsn)
	if err != nil {
		return "", err
	}
	_, otherPort, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return "", err
	}
	host, port, err := dialect.SplitAddress(address, otherPort)
	if err != nil {
		return "", err
	}
	address = net.JoinHostPort(host, port)
	// As the driver divides it: the last '/' comes first, then the last '@' before it, then the first '(' behind that.
	slash := strings.LastIndexByte(dsn, '/')
	if slash < 0 { // the empty DSN
		dsn, slash = "/"+dsn, 0
	}
	at := strings.LastIndexByte(dsn[:slash], '@') + 1
	dsn = dsn[:at] + cfg.Net + "(" + address + ")" + dsn[slash:]
	got, err := mysql.ParseDSN(dsn)
	if err != nil || got.Addr != address || got.User != cfg.User || got.Passwd != cfg.Passwd || got.DBName != cfg.DBName {
		return "", fmt.Errorf("pooled: the address %q does not fit into the DSN", address) // whose other parts are not to be shown
	}
	return dsn, nil
}

// clusterConfig reads a DSN that has a host. Networks that a program has registered with mysql.RegisterDialContext may do so as well.
func clusterConfig(dsn string) (*mysql.Config, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	if cfg.Net == "unix" {
		return nil, errors.New("pooled: the DSN has a Unix socket, which no other server of a cluster can be reached by: write tcp(host:port)")
	}
	if _, _, err := net.SplitHostPort(cfg.Addr); err != nil {
		return nil, fmt.Errorf("pooled: the network %q of the DSN has no address of the form host:port, which the servers of a cluster need", cfg.Net)
	}
	return cfg, nil
}
