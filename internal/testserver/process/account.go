package process

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// Hint is for who meets an error because a server or its account is missing.
const Hint = `"scripts/test-servers.sh install pg15 mariadb mysql" installs the servers`

// Command makes a command that runs in a directory, and as an account if root starts it: servers refuse to run as root.
func Command(account, dir string, command ...string) (*exec.Cmd, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{}
	if os.Getuid() != 0 {
		return cmd, nil
	}
	uid, gid, err := ids(account)
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	cmd.Env = append(os.Environ(), "HOME="+dir)
	return cmd, err
}

// Directory makes a directory of an account's.
func Directory(account, path string) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	return Give(account, path)
}

// Give makes a file an account's, if root has made it.
func Give(account, path string) error {
	if os.Getuid() != 0 {
		return nil
	}
	uid, gid, err := ids(account)
	if err != nil {
		return err
	}
	return os.Chown(path, uid, gid)
}

func ids(account string) (uid, gid int, err error) {
	u, err := user.Lookup(account)
	if err != nil {
		return 0, 0, fmt.Errorf("%w: %s", err, Hint)
	}
	uid, _ = strconv.Atoi(u.Uid) // numbers on every Unix
	gid, _ = strconv.Atoi(u.Gid)
	return uid, gid, nil
}
