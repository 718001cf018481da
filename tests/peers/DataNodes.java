import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.hdfs.server.datanode.DataNode;
import org.apache.hadoop.metrics2.lib.DefaultMetricsSystem;

/**
 * Several DataNodes of Hadoop in one process, which ends by a signal. The configuration also says
 * "peers.datanodes": how many; "peers.folder": the folder of their files; "peers.storages": the
 * types of each one's storages, as DISK,SSD.
 */
public class DataNodes {
    public static void main(String[] arguments) throws Exception {
        DefaultMetricsSystem.setMiniClusterMode(true);
        HdfsConfiguration configuration = new HdfsConfiguration();
        int count = configuration.getInt("peers.datanodes", 1);
        String[] types = configuration.getStrings("peers.storages", "DISK");
        for (int number = 1; number <= count; number++) {
            StringBuilder folders = new StringBuilder();
            for (int storage = 0; storage < types.length; storage++) {
                folders.append(storage == 0 ? "" : ",").append('[').append(types[storage])
                        .append("]file://")
                        .append(configuration.get("peers.folder")).append("/dn").append(number)
                        .append("/s").append(storage);
            }
            HdfsConfiguration own = new HdfsConfiguration(configuration);
            own.set("dfs.datanode.data.dir", folders.toString());
            if (DataNode.createDataNode(new String[0], own) == null) {
                throw new IllegalStateException("DataNode " + number + " does not start");
            }
        }
        Thread.sleep(Long.MAX_VALUE);
    }
}
