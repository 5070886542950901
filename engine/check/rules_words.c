/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words of unit files, and of a few other configurations: systemd ignores a line whose key it
 * does not know, and says so where nobody looks. KEY_WORDS are those of systemd 252 (`systemd
 * --dump-configuration-items`) and some that came later (systemd.directives(7)), of all sections;
 * CONFIG_WORDS those of its *.conf (systemd-system.conf(5) and so on), SSHD_WORDS of
 * sshd_config(5) with those that it only passes over, NETWORK_WORDS and NETWORK_SECTIONS of
 * systemd.network(5) and systemd.netdev(5).
 */
#include "base/path.h"
#include "check/view.h"

#define MAX_UNIT_BYTES (256 * 1024)

static const char key_words[] =
	"Accept AccuracySec After Alias AllowIsolate AllowedCPUs AllowedMemoryNodes Also "
	"AmbientCapabilities AppArmorProfile AssertACPower AssertArchitecture "
	"AssertCPUFeature AssertCPUPressure AssertCPUs AssertCapability "
	"AssertControlGroupController AssertCredential AssertDirectoryNotEmpty "
	"AssertEnvironment AssertFileIsExecutable AssertFileNotEmpty AssertFirstBoot "
	"AssertGroup AssertHost AssertIOPressure AssertKernelCommandLine "
	"AssertKernelVersion AssertMemory AssertMemoryPressure AssertNeedsUpdate "
	"AssertOSRelease AssertPathExists AssertPathExistsGlob AssertPathIsDirectory "
	"AssertPathIsEncrypted AssertPathIsMountPoint AssertPathIsReadWrite "
	"AssertPathIsSymbolicLink AssertSecurity AssertUser AssertVersion "
	"AssertVirtualization BPFProgram Backlog Before BindIPv6Only BindPaths "
	"BindReadOnlyPaths BindTo BindToDevice BindsTo BlockIOAccounting "
	"BlockIODeviceWeight BlockIOReadBandwidth BlockIOWeight BlockIOWriteBandwidth "
	"Broadcast BusName CPUAccounting CPUAffinity CPUQuota CPUQuotaPeriodSec "
	"CPUSchedulingPolicy CPUSchedulingPriority CPUSchedulingResetOnFork CPUShares "
	"CPUWeight CacheDirectory CacheDirectoryMode CacheDirectoryQuota "
	"CapabilityBoundingSet CollectMode ConcurrencyHardMax ConcurrencySoftMax "
	"ConditionACPower ConditionArchitecture ConditionCPUFeature ConditionCPUPressure "
	"ConditionCPUs ConditionCapability ConditionControlGroupController "
	"ConditionCredential ConditionDirectoryNotEmpty ConditionEnvironment "
	"ConditionFileIsExecutable ConditionFileNotEmpty ConditionFirmware "
	"ConditionFirstBoot ConditionGroup ConditionHost ConditionIOPressure "
	"ConditionKernelCommandLine ConditionKernelVersion ConditionMemory "
	"ConditionMemoryPressure ConditionNeedsUpdate ConditionOSRelease "
	"ConditionPathExists ConditionPathExistsGlob ConditionPathIsDirectory "
	"ConditionPathIsEncrypted ConditionPathIsMountPoint ConditionPathIsReadWrite "
	"ConditionPathIsSymbolicLink ConditionSecurity ConditionUser ConditionVersion "
	"ConditionVirtualization ConfigurationDirectory ConfigurationDirectoryMode "
	"Conflicts CoredumpFilter CoredumpReceive DebugInvocation DefaultDependencies "
	"DefaultInstance DefaultMemoryLow DefaultMemoryMin DefaultStartupMemoryLow "
	"DeferAcceptSec DeferReactivation Delegate Description DeviceAllow DevicePolicy "
	"DirectoryMode DirectoryNotEmpty DisableControllers Documentation DynamicUser "
	"Environment EnvironmentFile ExecCondition ExecPaths ExecReload ExecReloadPost "
	"ExecSearchPath ExecStart ExecStartPost ExecStartPre ExecStop ExecStopPost "
	"ExecStopPre ExitType ExtensionDirectories ExtensionImages ExtraFileDescriptors "
	"ExtraOptions FailureAction FailureActionExitStatus FileDescriptorName "
	"FileDescriptorStoreMax FileDescriptorStorePreserve FinalKillSignal "
	"FixedRandomDelay FlushPending ForceUnmount FreeBind Group GuessMainPID "
	"IOAccounting IODeviceLatencyTargetSec IODeviceWeight IOReadBandwidthMax "
	"IOReadIOPSMax IOSchedulingClass IOSchedulingPriority IOWeight IOWriteBandwidthMax "
	"IOWriteIOPSMax IPAccounting IPAddressAllow IPAddressDeny IPCNamespacePath "
	"IPEgressFilterPath IPIngressFilterPath IPTOS IPTTL IgnoreOnIsolate IgnoreSIGPIPE "
	"ImportCredential InaccessibleDirectories InaccessiblePaths JobRunningTimeoutSec "
	"JobTimeoutAction JobTimeoutRebootArgument JobTimeoutSec JoinsNamespaceOf "
	"KeepAlive KeepAliveIntervalSec KeepAliveProbes KeepAliveTimeSec KeyringMode "
	"KillMode KillSignal LazyUnmount LimitAS LimitCORE LimitCPU LimitDATA LimitFSIZE "
	"LimitLOCKS LimitMEMLOCK LimitMSGQUEUE LimitNICE LimitNOFILE LimitNPROC LimitRSS "
	"LimitRTPRIO LimitRTTIME LimitSIGPENDING LimitSTACK ListenDatagram ListenFIFO "
	"ListenMessageQueue ListenNetlink ListenSequentialPacket ListenSpecial "
	"ListenStream ListenUSBFunction LoadCredential LoadCredentialEncrypted "
	"LockPersonality LogExtraFields LogLevelMax LogNamespace LogRateLimitBurst "
	"LogRateLimitIntervalSec LogsDirectory LogsDirectoryMode MakeDirectory "
	"ManagedOOMMemoryPressure ManagedOOMMemoryPressureDurationSec "
	"ManagedOOMMemoryPressureLimit ManagedOOMPreference ManagedOOMSwap Mark "
	"MaxConnections MaxConnectionsPerSource MemoryAccounting MemoryDenyWriteExecute "
	"MemoryHigh MemoryLimit MemoryLow MemoryMax MemoryMin MemoryPressureThresholdSec "
	"MemoryPressureWatch MemorySwapMax MemoryZSwapMax MemoryZSwapWriteback "
	"MessageQueueMaxMessages MessageQueueMessageSize MountAPIVFS MountFlags "
	"MountImages NFTSet NUMAMask NUMAPolicy NetworkNamespacePath Nice NoDelay "
	"NoExecPaths NoNewPrivileges NonBlocking NotifyAccess OOMPolicy OOMScoreAdjust "
	"OnActiveSec OnBootSec OnCalendar OnClockChange OnFailure OnFailureIsolate "
	"OnFailureJobMode OnStartupSec OnSuccess OnSuccessJobMode OnTimezoneChange "
	"OnUnitActiveSec OnUnitInactiveSec OpenFile Options PAMName PIDFile PartOf "
	"PassCredentials PassEnvironment PassFileDescriptorsToExec PassPacketInfo "
	"PassSecurity PathChanged PathExists PathExistsGlob PathModified "
	"PermissionsStartOnly Persistent Personality PipeSize PollLimitBurst "
	"PollLimitIntervalSec Priority PrivateBPF PrivateDevices PrivateIPC PrivateMounts "
	"PrivateNetwork PrivatePIDs PrivateTmp PrivateUsers ProcSubset PropagateReloadFrom "
	"PropagateReloadTo PropagatesReloadTo PropagatesStopTo ProtectClock "
	"ProtectControlGroups ProtectHome ProtectHostname ProtectKernelLogs "
	"ProtectKernelModules ProtectKernelTunables ProtectProc ProtectSystem "
	"RandomizedDelaySec RandomizedOffsetSec ReadOnlyDirectories ReadOnlyPaths "
	"ReadWriteDirectories ReadWriteOnly ReadWritePaths RebootArgument ReceiveBuffer "
	"RefuseManualStart RefuseManualStop ReloadPropagatedFrom ReloadSignal "
	"RemainAfterElapse RemainAfterExit RemoveIPC RemoveOnStop RequiredBy Requires "
	"RequiresMountsFor RequiresOverridable Requisite RequisiteOverridable Restart "
	"RestartForceExitStatus RestartKillSignal RestartMaxDelaySec RestartMode "
	"RestartPreventExitStatus RestartSec RestartSteps RestrictAddressFamilies "
	"RestrictFileSystems RestrictNamespaces RestrictNetworkInterfaces RestrictRealtime "
	"RestrictSUIDSGID ReusePort RootDirectory RootDirectoryStartOnly RootEphemeral "
	"RootHash RootHashSignature RootImage RootImageOptions RootVerity RuntimeDirectory "
	"RuntimeDirectoryMode RuntimeDirectoryPreserve RuntimeMaxSec "
	"RuntimeRandomizedExtraSec SELinuxContext SELinuxContextFromNet SecureBits "
	"SendBuffer SendSIGHUP SendSIGKILL Service SetCredential SetCredentialEncrypted "
	"Slice SloppyOptions SmackLabel SmackLabelIPIn SmackLabelIPOut SmackProcessLabel "
	"SocketBindAllow SocketBindDeny SocketGroup SocketMode SocketProtocol SocketUser "
	"Sockets SourcePath StandardError StandardInput StandardInputData "
	"StandardInputText StandardOutput StartLimitAction StartLimitBurst "
	"StartLimitInterval StartLimitIntervalSec StartupAllowedCPUs "
	"StartupAllowedMemoryNodes StartupBlockIOWeight StartupCPUShares StartupCPUWeight "
	"StartupIOWeight StartupMemoryHigh StartupMemoryLow StartupMemoryMax "
	"StartupMemorySwapMax StartupMemoryZSwapMax StateDirectory "
	"StateDirectoryAccounting StateDirectoryMode StateDirectoryQuota "
	"StopPropagatedFrom StopWhenUnneeded SuccessAction SuccessActionExitStatus "
	"SuccessExitStatus SupplementaryGroups SurviveFinalKillSignal Symlinks "
	"SyslogFacility SyslogIdentifier SyslogLevel SyslogLevelPrefix "
	"SystemCallArchitectures SystemCallErrorNumber SystemCallFilter SystemCallLog "
	"TCPCongestion TTYColumns TTYPath TTYReset TTYRows TTYVHangup TTYVTDisallocate "
	"TasksAccounting TasksMax TemporaryFileSystem TimeoutAbortSec TimeoutCleanSec "
	"TimeoutIdleSec TimeoutSec TimeoutStartFailureMode TimeoutStartSec "
	"TimeoutStopFailureMode TimeoutStopSec TimerSlackNSec Timestamping Transparent "
	"TriggerLimitBurst TriggerLimitIntervalSec Type UMask USBFunctionDescriptors "
	"USBFunctionStrings Unit UnsetEnvironment UpheldBy Upholds User UserNamespacePath "
	"UtmpIdentifier UtmpMode WakeSystem WantedBy Wants WatchdogSec WatchdogSignal What "
	"Where WorkingDirectory Writable";

static const char config_words[] =
	"Audit CPUAffinity Cache CacheFromLocalhost CapabilityBoundingSet Compress "
	"ConnectionRetrySec CrashChangeVT CrashReboot CrashShell CtrlAltDelBurstAction DNS "
	"DNSOverTLS DNSSEC DNSStubListener DNSStubListenerExtra DUIDRawData DUIDType "
	"DefaultCPUAccounting DefaultDeviceTimeoutSec DefaultEnvironment "
	"DefaultIOAccounting DefaultIPAccounting DefaultLimitAS DefaultLimitCORE "
	"DefaultLimitCPU DefaultLimitDATA DefaultLimitFSIZE DefaultLimitLOCKS "
	"DefaultLimitMEMLOCK DefaultLimitMSGQUEUE DefaultLimitNICE DefaultLimitNOFILE "
	"DefaultLimitNPROC DefaultLimitRSS DefaultLimitRTPRIO DefaultLimitRTTIME "
	"DefaultLimitSIGPENDING DefaultLimitSTACK DefaultMemoryAccounting DefaultOOMPolicy "
	"DefaultRestartSec DefaultSmackProcessLabel DefaultStandardError "
	"DefaultStandardOutput DefaultStartLimitBurst DefaultStartLimitIntervalSec "
	"DefaultTasksAccounting DefaultTasksMax DefaultTimeoutAbortSec "
	"DefaultTimeoutStartSec DefaultTimeoutStopSec DefaultTimerAccuracySec Domains "
	"DumpCore FallbackDNS FallbackNTP ForwardToConsole ForwardToKMsg ForwardToSyslog "
	"ForwardToWall HandleHibernateKey HandleHibernateKeyLongPress HandleLidSwitch "
	"HandleLidSwitchDocked HandleLidSwitchExternalPower HandlePowerKey "
	"HandlePowerKeyLongPress HandleRebootKey HandleRebootKeyLongPress HandleSuspendKey "
	"HandleSuspendKeyLongPress HibernateKeyIgnoreInhibited HoldoffTimeoutSec "
	"IdleAction IdleActionSec InhibitDelayMaxSec InhibitorsMax KExecWatchdogSec "
	"KillExcludeUsers KillOnlyUsers KillUserProcesses LLMNR LidSwitchIgnoreInhibited "
	"LineMax LogColor LogLevel LogLocation LogTarget LogTime ManageForeignRoutes "
	"ManageForeignRoutingPolicyRules MaxFileSec MaxLevelConsole MaxLevelKMsg "
	"MaxLevelStore MaxLevelSyslog MaxLevelWall MaxRetentionSec MulticastDNS NAutoVTs "
	"NTP NUMAMask NUMAPolicy NoNewPrivileges PollIntervalMaxSec PollIntervalMinSec "
	"PowerKeyIgnoreInhibited RateLimitBurst RateLimitIntervalSec ReadEtcHosts ReadKMsg "
	"RebootKeyIgnoreInhibited RebootWatchdogSec RemoveIPC ReserveVT "
	"ResolveUnicastSingleLabel RootDistanceMaxSec RouteTable RuntimeDirectoryInodesMax "
	"RuntimeDirectorySize RuntimeKeepFree RuntimeMaxFileSize RuntimeMaxFiles "
	"RuntimeMaxUse RuntimeWatchdogPreGovernor RuntimeWatchdogPreSec RuntimeWatchdogSec "
	"SaveIntervalSec Seal SessionsMax ShowStatus SpeedMeter SpeedMeterIntervalSec "
	"SplitMode StaleRetentionSec StatusUnitFormat StopIdleSessionSec Storage "
	"SuspendKeyIgnoreInhibited SyncIntervalSec SystemCallArchitectures SystemKeepFree "
	"SystemMaxFileSize SystemMaxFiles SystemMaxUse TTYPath TimerSlackNSec "
	"UserStopDelaySec WatchdogDevice";

static const char sshd_words[] =
	"AcceptEnv AddressFamily AllowAgentForwarding AllowGroups "
	"AllowStreamLocalForwarding AllowTcpForwarding AllowUsers AuthenticationMethods "
	"AuthorizedKeysCommand AuthorizedKeysCommandUser AuthorizedKeysFile "
	"AuthorizedKeysFile2 AuthorizedPrincipalsCommand "
	"AuthorizedPrincipalsCommandUser AuthorizedPrincipalsFile Banner "
	"CASignatureAlgorithms ChallengeResponseAuthentication ChannelTimeout "
	"ChrootDirectory Ciphers ClientAliveCountMax ClientAliveInterval Compression "
	"DebianBanner DenyGroups DenyUsers DisableForwarding DSAAuthentication "
	"ExposeAuthInfo FingerprintHash ForceCommand GatewayPorts GSSAPIAuthentication "
	"GSSAPICleanupCredentials GSSAPIDelegateCredentials GSSAPIKexAlgorithms "
	"GSSAPIKeyExchange GSSAPIStoreCredentialsOnRekey GSSAPIStrictAcceptorCheck "
	"HostbasedAcceptedAlgorithms HostbasedAcceptedKeyTypes HostbasedAuthentication "
	"HostbasedUsesNameFromPacketOnly HostCertificate HostDSAKey HostKey "
	"HostKeyAgent HostKeyAlgorithms IgnoreRhosts IgnoreUserKnownHosts Include IPQoS "
	"KbdInteractiveAuthentication KerberosAuthentication KerberosGetAFSToken "
	"KerberosOrLocalPasswd KerberosTicketCleanup KexAlgorithms "
	"KeyRegenerationInterval ListenAddress LoginGraceTime LogLevel LogVerbose MACs "
	"Match MaxAuthTries MaxSessions MaxStartups ModuliFile PasswordAuthentication "
	"PermitEmptyPasswords PermitListen PermitOpen PermitRootLogin PermitTTY "
	"PermitTunnel PermitUserEnvironment PermitUserRC PerSourceMaxStartups "
	"PerSourceNetBlockSize PerSourcePenalties PerSourcePenaltyExemptList PidFile "
	"Port PrintLastLog PrintMotd Protocol PubkeyAcceptedAlgorithms "
	"PubkeyAcceptedKeyTypes PubkeyAuthentication PubkeyAuthOptions RDomain "
	"RefuseConnection RekeyLimit RequiredRSASize RevokedKeys "
	"RhostsRSAAuthentication RSAAuthentication SecurityKeyProvider ServerKeyBits "
	"SetEnv SshdAuthPath SshdSessionPath StreamLocalBindMask StreamLocalBindUnlink "
	"StrictModes Subsystem SyslogFacility TCPKeepAlive TrustedUserCAKeys "
	"UnusedConnectionTimeout UseDNS UseLogin UsePAM UsePrivilegeSeparation "
	"VersionAddendum X11DisplayOffset X11Forwarding X11UseLocalhost XAuthLocation";

static const char network_words[] =
	"ARP ARPAllTargets ARPIPTargets ARPIntervalSec ARPProxy ARPValidate Activate "
	"ActivationPolicy ActiveSlave AdActorSystem AdActorSystemPriority AdSelect "
	"AdUserPortKey AddPrefixRoute Address AddressAutoconfiguration AgeingTimeSec "
	"Aggregation AllMulticast AllSlavesActive AllowList AllowLocalRemote "
	"AllowPortToBeRoot AllowedIPs Announce Anonymize Architecture Assign "
	"AssignToLoopback AssociatedWith AutoJoin AutoRateIngress BSSID Bands "
	"Bandwidth BatmanAdvanced BindCarrier BindToInterface BitRate BlackList "
	"Blackhole Bond BootFilename BootServerAddress BootServerName Bridge "
	"BridgeLoopAvoidance Broadcast BroadcastMulticastQueueLength Buckets "
	"BufferBytes Burst BurstBytes BusErrorReporting CEThresholdSec "
	"CeilBufferBytes CeilRate ClassId ClassicDataLengthCode ClientIdentifier "
	"CompensationMode ConfigureWithoutCarrier CopyDSCP Cost Credential "
	"CriticalConnection DHCP DHCPPrefixDelegation DHCPServer DHCPv6Client "
	"DHCPv6PrefixDelegation DNS DNSDefaultRoute DNSLifetimeSec DNSOverTLS DNSSEC "
	"DNSSECNegativeTrustAnchors DUIDRawData DUIDType DataBitRate "
	"DataPhaseBufferSegment1 DataPhaseBufferSegment2 DataPropagationSegment "
	"DataSamplePoint DataSyncJumpWidth DataTimeQuantaNSec DefaultClass "
	"DefaultLeaseTimeSec DefaultPVID DefaultRouteOnDevice DefaultVirtualQueue "
	"DelayJitterSec DelaySec DenyList Description Destination DestinationPort "
	"DiscoverPathMTU DistributedArpTable Domains DownDelaySec Driver "
	"DuplicateAddressDetection DuplicateRate DynamicTransmitLoadBalancing ECN "
	"ERSPANDirection ERSPANHardwareId ERSPANIndex ERSPANVersion EgressQOSMaps "
	"EgressUntagged EmitDNS EmitDomains EmitLLDP EmitLPR EmitNTP EmitPOP3 "
	"EmitRouter EmitSIP EmitSMTP EmitTimezone Encapsulation EncapsulationLimit "
	"EncapsulationType Encrypt Endpoint EtherType External FDBAgeingSec FDMode "
	"FDNonISO FOUDestinationPort FOUSourcePort FailOverMACPolicy "
	"FallbackLeaseLifetimeSec Family FastLeave FastOpenNoCookie FirewallMark "
	"Firmware Flags FlowIsolationMode FlowLabel FlowLimit Flows FooOverUDP "
	"ForceDHCPv6PDOtherInformation ForwardDelaySec Fragmentation From FwMark "
	"GVRP Gateway GatewayBandwidthDown GatewayBandwidthUp GatewayBandwithDown "
	"GatewayBandwithUp GatewayMode GatewayOnLink GatewayOnlink "
	"GenericProtocolExtension GenericRIO GratuitousARP Group GroupForwardMask "
	"GroupPolicyExtension HairPin Handle HelloTimeSec HomeAddress HopPenalty "
	"Host Hostname IAID IPDoNotFragment IPForward IPMasquerade IPProtocol "
	"IPServiceType IPVLAN IPVTAP IPoIB IPv4AcceptLocal IPv4LL IPv4LLRoute "
	"IPv4LLStartAddress IPv4ProxyARP IPv4ProxyARPPrivateVLAN "
	"IPv4ReversePathFilter IPv4RouteLocalnet IPv6AcceptRA "
	"IPv6AcceptRouterAdvertisements IPv6DuplicateAddressDetection IPv6FlowLabel "
	"IPv6HopLimit IPv6LinkLocalAddressGenerationMode IPv6MTUBytes IPv6Preference "
	"IPv6PrefixDelegation IPv6PrivacyExtensions IPv6ProxyNDP IPv6ProxyNDPAddress "
	"IPv6RapidDeploymentPrefix IPv6RetransmissionTimeSec IPv6SendRA "
	"IPv6StableSecretAddress IPv6Token ISATAP Id IgnoreCarrierLoss "
	"IgnoreUserspaceMulticastGroups IncomingInterface Independent IngressQOSMaps "
	"InitialAdvertisedReceiveWindow InitialCongestionWindow InitialQuantum "
	"InitialQuantumBytes InputKey InterfaceId IntervalSec InvertRule Isolated "
	"KeepCarrier KeepConfiguration KeepMaster KernelCommandLine KernelVersion "
	"Key KeyFile KeyId Kind L2MissNotification L2TP L3MissNotification "
	"LACPTransmitRate LLDP LLMNR LPR Label LatencySec Layer2SpecificHeader "
	"LearnPacketIntervalSec Learning LifetimeSec LimitBytes LimitSize "
	"LinkLayerAddress LinkLocalAddressing ListenOnly ListenPort Local Loopback "
	"LooseBinding LossRate MACAddress MACVLAN MACVTAP MACsec MIIMonitorSec "
	"MPLSRouting MPUBytes MTUBytes MUDURL MVRP MacLearning ManageForeignRoutes "
	"ManageForeignRoutingPolicyRules ManageTemporaryAddress Managed MaxAgeSec "
	"MaxAttempts MaxLeaseTimeSec MaxPacketBytes MaximumFDBEntries MaximumRate "
	"MemoryLimit MemoryLimitBytes Metric MinLinks Mode MultiPathRoute MultiQueue "
	"Multicast MulticastDNS MulticastFlood MulticastGroupAddress "
	"MulticastIGMPVersion MulticastQuerier MulticastRouter MulticastSnooping "
	"MulticastToUnicast NAT NTP Name NeighborSuppression NetLabel "
	"NetworkEmulatorDelayJitterSec NetworkEmulatorDelaySec "
	"NetworkEmulatorDuplicateRate NetworkEmulatorLossRate "
	"NetworkEmulatorPacketLimit NextHop OnLink OneQueue OneShot "
	"OriginatorIntervalSec OrphanMask OtherInformation OutgoingInterface "
	"OutputKey OverheadBytes POP3 PVID Pacing PacketInfo PacketLimit "
	"PacketNumber PacketsPerSlave Parent PartitionKey Path PeakRate Peer "
	"PeerPort PeerSessionId PeerTunnelId PermanentMACAddress PersistLeases "
	"PersistentKeepalive PerturbPeriodSec PhaseBufferSegment1 "
	"PhaseBufferSegment2 PhysicalDevice PoolOffset PoolSize Port PortRange "
	"PreferredLifetime PreferredLifetimeSec PreferredSource Prefix "
	"PrefixAllowList PrefixDelegationHint PrefixDenyList PrefixRoute "
	"PresharedKey PresharedKeyFile PresumeACK PrimaryReselectPolicy PrimarySlave "
	"Priority PriorityMap PriorityQueueingPreset PrivateKey PrivateKeyFile "
	"Promiscuous PropagationSegment Property Protocol ProxyARP ProxyARPWiFi "
	"PublicKey Quantum QuantumBytes QuickAck RapidCommit Rate RateToQuantum "
	"ReduceARPProxy RelayAgentCircuitId RelayAgentRemoteId RelayTarget Remote "
	"RemoteChecksumRx RemoteChecksumTx ReorderHeader RequestBroadcast "
	"RequestOptions RequiredFamilyForOnline RequiredForOnline ResendIGMP "
	"RestartSec Route RouteAllowList RouteDenyList RouteMTUBytes RouteMetric "
	"RouteShortCircuit RouteTable Router RouterAllowList RouterDenyList "
	"RouterLifetimeSec RouterPreference RoutesToDNS RoutesToNTP RoutingAlgorithm "
	"SIP SMTP SSID STP SamplePoint Scope SendDecline SendHostname SendOption "
	"SendRelease SendVendorOption SerializeTunneledPackets ServerAddress "
	"SessionId Source SourceMACAddress SourcePort SpeedMeter "
	"SpeedMeterIntervalSec SplitGSO StrictBands SubnetId SuppressInterfaceGroup "
	"SuppressPrefixLength SyncJumpWidth TCPAdvertisedMaximumSegmentSize "
	"TCPCongestionControlAlgorithm TOS TTL TTLPropagate Table TableId TargetSec "
	"Termination TimeQuantaNSec Timezone To Token TransmitHashPolicy "
	"TripleSampling Tunnel TunnelId Type TypeOfService UDP6CheckSumRx "
	"UDP6CheckSumTx UDP6ZeroCheckSumRx UDP6ZeroCheckSumTx UDP6ZeroChecksumRx "
	"UDP6ZeroChecksumTx UDPCheckSum UDPChecksum UDPDestinationPort UDPSourcePort "
	"UnicastFlood Unmanaged UpDelaySec UplinkInterface Use6RD UseAddress "
	"UseAutonomousPrefix UseBPDU UseDNS UseDelegatedPrefix UseDomainName "
	"UseDomains UseForEncoding UseGateway UseHopLimit UseHostname UseMTU UseNTP "
	"UseOnLinkPrefix UseRawPacketSize UseReachableTime UseRetransmissionTime "
	"UseRoutePrefix UseRoutes UseSIP UseTimezone User UserClass VLAN "
	"VLANFiltering VLANId VLANProtocol VNI VNetHeader VRF VXLAN ValidLifetimeSec "
	"VendorClass VendorClassIdentifier VirtualQueues Virtualization WDS "
	"WLANInterfaceType Wash Weight WithoutRA Xfrm";

static const char network_sections[] =
	"Address BFIFO BareUDP BatmanAdvanced Bond Bridge BridgeFDB BridgeMDB "
	"BridgeVLAN CAKE CAN ControlledDelay DHCP DHCPPrefixDelegation DHCPServer "
	"DHCPServerStaticLease DHCPv4 DHCPv6 DHCPv6PrefixDelegation "
	"DeficitRoundRobinScheduler DeficitRoundRobinSchedulerClass "
	"EnhancedTransmissionSelection FairQueueing FairQueueingControlledDelay "
	"FlowQueuePIE FooOverUDP GENEVE GenericRandomEarlyDetection "
	"HeavyHitterFilter HierarchyTokenBucket HierarchyTokenBucketClass IPVLAN "
	"IPVTAP IPoIB IPv6AcceptRA IPv6AddressLabel IPv6Prefix IPv6PrefixDelegation "
	"IPv6RoutePrefix IPv6SendRA L2TP L2TPSession LLDP Link MACVLAN MACVTAP "
	"MACsec MACsecReceiveAssociation MACsecReceiveChannel "
	"MACsecTransmitAssociation Match Neighbor NetDev Network NetworkEmulator "
	"NextHop PFIFO PFIFOFast PFIFOHeadDrop Peer QDisc QuickFairQueueing "
	"QuickFairQueueingClass Route RoutingPolicyRule StochasticFairBlue "
	"StochasticFairnessQueueing Tap TokenBucketFilter "
	"TrafficControlQueueingDiscipline TrivialLinkEqualizer Tun Tunnel VLAN VRF "
	"VXCAN VXLAN WLAN WireGuard WireGuardPeer Xfrm";

static const char *const sections[] = {"Unit",  "Install", "Service",   "Socket", "Mount", "Swap",
				       "Timer", "Path",    "Automount", "Slice",  "Scope"};

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(word, words[i]))
			return true;
	return false;
}

/* WORDS, one by one; they live in ARENA. */
static void split_words(struct arena *arena, const char *words, struct strs *ret)
{
	char *save = NULL;

	for (char *w = strtok_r(arena_strdup(arena, words), " ", &save); w;
	     w = strtok_r(NULL, " ", &save))
		strs_push(ret, w);
}

bool check_word_in(const char *list, const char *word, size_t n)
{
	char *want cleanup_free = xasprintf(" %.*s ", (int)n, word);

	return n && !memchr(word, ' ', n) && strstr(list, want);
}

const char *check_word_near(const struct check_view *v, const char *list, const char *text)
{
	struct strs all = {0};
	const char *near;

	split_words(v->arena, list + 1, &all);
	near = str_nearest(text, all.items, all.count);
	strs_clear(&all);
	return near;
}

bool check_is_unit(const struct check_file *f)
{
	static const char *const suffixes[] = {".service", ".target", ".socket", ".mount",
					       ".timer",   ".path",   ".slice",  ".automount"};
	char *dir cleanup_free = path_dir(f->target);

	if (!strstr(f->target, "/systemd/system/"))
		return false;
	for (size_t i = 0; i < array_len(suffixes); i++) {
		char *drop_in cleanup_free = xasprintf("%s.d", suffixes[i]);

		if (str_ends(f->target, suffixes[i]) ||
		    (str_ends(f->target, ".conf") && str_ends(dir, drop_in)))
			return true;
	}
	return false;
}

/* A section or key that is nearly a known one. What is like none may be of a later systemd. */
static void word_is_known(struct check_view *v, const struct conf_entry *e, const struct strs *keys)
{
	bool section = is_one_of(e->section, sections, array_len(sections));
	const char *word = section ? e->key : e->section;
	const char *const *words = section ? keys->items : sections;
	size_t count = section ? keys->count : array_len(sections);
	const char *near;

	if (str_skip(e->section, "X-") || str_skip(word, "X-") || is_one_of(word, words, count))
		return;
	near = str_nearest(word, words, count);
	if (near)
		check_say(v, CHECK_UNIT_WORDS, e->pos,
			  "systemd knows no %s '%s' in units and would ignore it: did you mean "
			  "'%s'?",
			  section ? "key" : "section", word, near);
}

/* Whether line LINE of TEXT goes on with the one before, which ends in a backslash. */
static bool is_continued(const char *text, unsigned line)
{
	const char *end;

	for (const char *p = text; p && (end = strchr(p, '\n')); p = end + 1)
		if (--line == 1)
			return end > p && end[-1] == '\\';
	return false;
}

static int words_are_known(struct check_view *v, const struct check_file *f,
			   const struct strs *keys, struct err **err)
{
	const char *text = f->filled ? f->filled : check_text_of(v, f->path, MAX_UNIT_BYTES);
	struct conf_entries unit = {0};
	int rc = conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, &unit, err);

	for (size_t i = 0; rc == 0 && i < unit.count; i++)
		if (!is_continued(text, unit.items[i].pos.line))
			word_is_known(v, &unit.items[i], keys);
	conf_entries_clear(&unit);
	return rc;
}

/* The same of another configuration, whose keys are WORDS. sshd takes them in any case. */
static void key_is_spelt(struct check_view *v, const struct conf_entry *e, const struct strs *words,
			 bool sshd)
{
	const char *near = str_nearest(e->key, words->items, words->count);

	for (size_t i = 0; i < words->count; i++)
		if (strcasecmp(words->items[i], e->key) == 0)
			return;
	if (near)
		check_say(v, CHECK_UNIT_WORDS, e->pos,
			  "nobody knows the key '%s': did you mean '%s'?", e->key, near);
	else if (sshd)
		check_say(v, CHECK_UNIT_WORDS, e->pos,
			  "sshd does not start with the key '%s', which it does not know", e->key);
}

bool check_is_sshd_config(const struct check_file *f)
{
	return strstr(f->target, "/ssh/sshd_config");
}

static bool is_network(const struct check_file *f)
{
	return strstr(f->target, "/systemd/network/") &&
	       (str_ends(f->target, ".network") || str_ends(f->target, ".netdev"));
}

/* Sections that systemd-networkd(8) would pass over. */
static void sections_are_spelt(struct check_view *v, const struct conf_entries *conf)
{
	struct strs words = {0};

	split_words(v->arena, network_sections, &words);
	for (size_t i = 0; i < conf->count; i++) {
		const struct conf_entry *e = &conf->items[i];
		const char *near = str_nearest(e->section, words.items, words.count);

		if (near && !is_one_of(e->section, words.items, words.count))
			check_say(v, CHECK_UNIT_WORDS, e->pos,
				  "nobody knows the section '%s': did you mean '%s'?", e->section,
				  near);
	}
	strs_clear(&words);
}

static int config_is_spelt(struct check_view *v, const struct check_file *f, struct err **err)
{
	bool sshd = check_is_sshd_config(f), network = is_network(f);
	const char *dir = v->g->project->dir;
	struct conf_entries conf = {0};
	struct strs words = {0};
	int rc;

	split_words(v->arena, sshd ? sshd_words : network ? network_words : config_words, &words);
	rc = sshd ? conf_read_table(v->arena, dir, f->path, f->filled, &conf, err)
		  : conf_read_ini(v->arena, dir, f->path, f->filled, &conf, err);
	for (size_t i = 0; rc == 0 && i < conf.count; i++)
		key_is_spelt(v, &conf.items[i], &words, sshd);
	if (rc == 0 && network)
		sections_are_spelt(v, &conf);
	conf_entries_clear(&conf);
	strs_clear(&words);
	return rc;
}

bool check_is_config(const struct check_file *f)
{
	static const char *const names[] = {"system",   "journald", "timesyncd",
					    "networkd", "resolved", "logind"};

	if (check_is_sshd_config(f) || is_network(f))
		return true;
	for (size_t i = 0; i < array_len(names); i++) {
		char *file cleanup_free = xasprintf("/systemd/%s.conf", names[i]);
		const char *rest = strstr(f->target, file);

		rest = rest ? rest + strlen(file) : NULL;
		if (rest && (!*rest || str_skip(rest, ".d/")))
			return true;
	}
	return false;
}

int check_word_rules(struct check_view *v, struct err **err)
{
	struct strs keys = {0};
	int rc = 0;

	split_words(v->arena, key_words, &keys);
	for (size_t i = 0; rc >= 0 && i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];

		if (check_ships(v, f->image) && check_is_unit(f))
			rc = words_are_known(v, f, &keys, err);
		else if (check_ships(v, f->image) && check_is_config(f))
			rc = config_is_spelt(v, f, err);
	}
	strs_clear(&keys);
	return rc < 0 ? -1 : 0;
}
