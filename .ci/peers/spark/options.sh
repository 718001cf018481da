# Sourced. Sets $peers, the folder of the installed peers; $java, the program; and $options, what
# Spark needs of Java 17.
peers=${KERBOX_PEERS_DIR:-$HOME/.cache/kerbox-peers}
options=(--add-opens java.security.jgss/sun.security.krb5=ALL-UNNAMED -Xmx1g
    -Djava.net.preferIPv4Stack=true)
for package in java.lang java.lang.invoke java.lang.reflect java.io java.net java.nio java.util \
    java.util.concurrent java.util.concurrent.atomic sun.nio.ch sun.nio.cs sun.security.action \
    sun.util.calendar; do
    options+=(--add-opens "java.base/$package=ALL-UNNAMED")
done
[ -z "${KRB5_CONFIG:-}" ] || options+=("-Djava.security.krb5.conf=$KRB5_CONFIG")
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
