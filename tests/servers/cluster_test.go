package servers_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/testserver"
)

// clusterTime is how long a cluster may take for anything.
const clusterTime = 30 * time.Second

var clusters = []struct {
	name, driver string
	make         func(testserver.T, int) *testserver.Cluster
}{
	{"PostgreSQL", "pgx", testserver.PostgresCluster},
	{"MariaDB", "mysql", testserver.MariaDBCluster},
	{"MySQL", "mysql", testserver.MySQLCluster},
}

func TestClusterReplicatesAndSurvivesWhatIsDoneToItsNodes(t *testing.T) {
	for _, family := range clusters {
		t.Run(family.name, func(t *testing.T) {
			c := family.make(t, 2)
			first, second, third := c.Nodes[0], c.Nodes[1], c.Nodes[2]
			rows := func(n *testserver.Node) string {
				db := open(t, family.driver, n.DSN())
				var list string
				if err := db.QueryRow("select coalesce(min(a), 0) * 100 + coalesce(max(a), 0) * 10 + count(*) from t").Scan(&list); err != nil {
					return err.Error()
				}
				return list
			}
			arrives := func(n *testserver.Node, want string) {
				t.Helper()
				require.EventuallyWithT(t, func(t *assert.CollectT) { assert.Equal(t, want, rows(n)) }, clusterTime, 10*time.Millisecond)
			}
			first.Exec("create table t (a int primary key)", "insert into t values (1)")
			arrives(second, "111")
			arrives(third, "111")

			second.Pause()
			first.Exec("insert into t values (2)")
			arrives(third, "122")
			assert.Equal(t, "111", rows(second))
			second.Resume()
			arrives(second, "122")

			second.Stop()
			conn, err := net.Dial("tcp", second.Address())
			require.NoError(t, err, "a server that is stopped is still there")
			require.NoError(t, conn.Close())
			second.Continue()
			second.Kill()
			_, err = net.Dial("tcp", second.Address())
			require.Error(t, err)
			first.Exec("insert into t values (3)")
			second.Start()
			arrives(second, "133")
			arrives(third, "133")

			first.Stop()
			first.Kill()
			second.Promote()
			third.Follow(second)
			second.Exec("insert into t values (4)")
			arrives(third, "144")

			first.Start()
			first.Exec("insert into t values (9)") // on its own: it does not know that it is not the primary any more
			first.Rejoin(second)
			arrives(first, "144")
			second.Exec("insert into t values (5)")
			arrives(first, "155")
		})
	}
}

// envDoomed makes this test binary a process that makes clusters and waits to be killed.
const envDoomed = "POOLED_TEST_DOOMED"

func TestClustersEndWithAProcessThatIsKilled(t *testing.T) {
	if os.Getenv(envDoomed) != "" {
		makeDoomedClusters(t)
		return
	}
	dir, err := os.MkdirTemp("", "pooled-doomed.") //nolint:usetesting // no other user could enter that
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	require.NoError(t, os.Chmod(dir, 0o711))
	doomed := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	doomed.Env = append(doomed.Environ(), envDoomed+"=1", "TMPDIR="+dir)
	lifeline, err := doomed.StdinPipe()
	require.NoError(t, err)
	defer lifeline.Close()
	output, err := doomed.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, doomed.Start())
	said := bufio.NewScanner(output)
	require.True(t, said.Scan())
	addresses := strings.Fields(said.Text())
	require.Len(t, addresses, 2*len(clusters), said.Text())
	require.NoError(t, doomed.Process.Kill())
	require.Error(t, doomed.Wait())
	require.EventuallyWithT(t, func(t *assert.CollectT) {
		for _, address := range addresses {
			_, err := net.Dial("tcp", address)
			assert.Error(t, err, address)
		}
		left, err := filepath.Glob(filepath.Join(dir, "*"))
		assert.NoError(t, err)
		assert.Empty(t, left)
	}, clusterTime, 10*time.Millisecond)
}

func makeDoomedClusters(t *testing.T) {
	t.Helper()
	var addresses []string
	for _, family := range clusters {
		c := family.make(t, 1)
		for _, n := range c.Nodes {
			addresses = append(addresses, n.Address())
		}
		c.Nodes[1].Stop() // which must not keep it from ending
	}
	fmt.Println(strings.Join(addresses, " "))
	_, _ = bufio.NewReader(os.Stdin).ReadByte() // until we are killed
}
