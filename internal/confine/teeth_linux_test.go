package confine

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// With each mechanism left out of the build, its proof turns red; and a process
// of such a build does not claim to be confined.
func TestProofsHaveTeeth(t *testing.T) {
	needLandlock(t)
	if testing.Short() {
		t.Skip("this builds the package once for each mechanism")
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command to build the package with")
	}
	for _, c := range []struct {
		tag, proof string
		parts      []string // of the proof, that turn red as well: the holes of the others
	}{
		{"rialto_no_landlock", "TestProofLandlock", nil},
		{"rialto_no_seccomp", "TestProofSeccomp", []string{"a_socket_for_UDP", "a_file_in_memory", "a_pair_of_sockets", "fork"}},
		{"rialto_no_descriptors", "TestProofDescriptors", nil},
		{"rialto_no_limit", "TestProofFileSize", nil},
		{"rialto_no_dumps", "TestProofCoreDumps", nil},
		{"rialto_no_swap", "TestProofSwap", nil},
	} {
		t.Run(c.tag, func(t *testing.T) {
			if c.proof == "TestProofSwap" && !mayLock() {
				t.Skip("this user may not lock memory, so its lock proves nothing here")
			}
			binary := filepath.Join(t.TempDir(), "sabotaged.test")
			build := exec.Command(goTool, "test", "-c", "-tags", c.tag, "-o", binary, ".")
			build.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			out, err := exec.Command(binary, "-test.v", "-test.run", "^(TestProof(Landlock|Seccomp|Descriptors|FileSize|CoreDumps|Swap)|TestNoThreadCanWrite)$").CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: "+c.proof) {
				t.Errorf("without it, %s does not fail:\n%s", c.proof, out)
			}
			for _, part := range c.parts {
				if !strings.Contains(string(out), "--- FAIL: "+c.proof+"/"+part+" ") {
					t.Errorf("without it, %s/%s does not fail:\n%s", c.proof, part, out)
				}
			}
			if !strings.Contains(string(out), "--- FAIL: TestNoThreadCanWrite") {
				t.Errorf("a process of this build claims to be confined:\n%s", out)
			}
		})
	}
}
