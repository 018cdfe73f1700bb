internal import CLinuxShims
internal import Glibc
internal import LinuxPrimitives
internal import Testing

@Suite struct HostIdentityLeaseTests {
    @Test func `leases that live together differ and lie in the range`() throws {
        let first = try HostIdentityLease()
        let second = try HostIdentityLease()
        let third = try HostIdentityLease()
        let ids: Set<UInt32> = [first.id, second.id, third.id]
        #expect(ids.count == 3)
        for id in ids { #expect(id >= HostIdentityLease.base && id - HostIdentityLease.base < HostIdentityLease.count) }
        // Nobody else can take a number that is leased.
        for id in ids {
            let name = "glovebox/uid/\(id)"
            #expect(gbx_bind_abstract(name, name.utf8.count) == -EADDRINUSE)
        }
        _ = consume first
        _ = consume second
        _ = consume third
    }

    @Test func `the last number given back is the first given out, unless somebody took it`() async {
        await #expect(processExitsWith: .success) {
            do {
                let first = try HostIdentityLease()
                let second = try HostIdentityLease()
                let (a, b) = (first.id, second.id)
                first.release()
                second.release()
                let again = try HostIdentityLease()
                precondition(again.id == b)
                let name = "glovebox/uid/\(a)"
                precondition(gbx_bind_abstract(name, name.utf8.count) >= 0)
                let other = try HostIdentityLease()
                precondition(other.id != a && other.id != b)
                _ = consume again
                _ = consume other
            } catch {
                fatalError("\(error)")
            }
        }
    }
}
