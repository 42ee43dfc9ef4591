package dialect

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// SplitAddress divides the address that is given to [Cluster].At: host:port, or a host, which has the other port then. An IPv6 address needs
// brackets only before a port. Nothing is in the host that divides the parts of a DSN.
func SplitAddress(address, otherPort string) (host, port string, err error) {
	host, port, err = net.SplitHostPort(address)
	if err != nil {
		host, port = address, otherPort
		if inner, ok := strings.CutPrefix(host, "["); ok {
			if host, ok = strings.CutSuffix(inner, "]"); !ok {
				host = ""
			}
		}
		if ip, _, _ := strings.Cut(host, "%"); strings.Contains(host, ":") && net.ParseIP(ip) == nil {
			host = ""
		}
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if host == "" || err != nil || number == 0 || strings.ContainsAny(host, "/@?#,[]()'\\= \t\r\n\v\f\x00") {
		return "", "", fmt.Errorf("pooled: %q is no address of a server: write host:port", address)
	}
	return host, strconv.FormatUint(number, 10), nil
}
